/** Rings never go backwards on a member, and at the end all members have the same one (Dynamo §4.8.2). */
import type { Bench, Checker } from "./checker.js";

export function rings(bench: Bench): Checker {
  const { world } = bench;
  /** By member, the versions that it had, oldest first. */
  const had = new Map<string, string[]>();
  return {
    event: (event) => {
      // What it knew of the ring is gone with the disk, or may be with a fact.
      if (event.kind === "fault" && (event.fault === "wipe" || event.fault === "damage-fact")) had.delete(event.node);
      if (event.kind !== "ring") return;
      const versions = had.get(event.node) ?? [];
      had.set(event.node, versions);
      if (versions.at(-1) === event.version) return;
      if (versions.includes(event.version)) {
        bench.report("rings-never-go-backwards", `${event.node} is back at ${event.version} after ${versions.at(-1)}`);
      }
      versions.push(event.version);
    },
    end: () => {
      const versions = new Map(world.standing.map((name) => [name, world.node(name)?.ring.version ?? "none"]));
      if (new Set(versions.values()).size > 1) {
        bench.report("rings-converge", [...versions].map(([name, version]) => `${name}: ${version}`).join(", "));
      }
    },
  };
}
