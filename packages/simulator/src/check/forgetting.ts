/** A replica forgets nothing: what its disk has proven of a key only grows, until the disk itself is lost (states are a join; TRAPS 25), or until nothing in it is alive and it is reaped. */
import type { VersionVector } from "@kvorum/core";
import { nameOf } from "../history.js";
import { endsSomething, type Bench, type Checker } from "./checker.js";

interface Seen {
  readonly bytes: Uint8Array;
  readonly vector: VersionVector;
}

/** Above this a coordinator may have bounded the vector. */
const SMALL_RECORD_BYTES = 4_000;

export function forgetting(bench: Bench): Checker {
  const { world, lens } = bench;
  /** By member, then by key. */
  const seen = new Map<string, Map<string, Seen>>();
  /** From then on a member may have given a key away, dropped it, and got it back. */
  let hasRingChanged = false;
  let hasBegun = false;
  let founded: string | undefined;
  const look = (node: string, bucket: string, key: string): void => {
    const name = nameOf({ bucket, key });
    const ofNode = seen.get(node) ?? new Map<string, Seen>();
    seen.set(node, ofNode);
    const before = ofNode.get(name);
    const bytes = world.flushed(node, bucket, key);
    if (bytes === before?.bytes) return;
    const record = lens.flushed(node, bucket, key);
    const isReaped = bytes === undefined || record?.reaped === true;
    if (isReaped && before !== undefined && !hasRingChanged && !mayGo(bench, name)) {
      bench.report("a-replica-forgets-nothing", `${node}: ${name} is gone`);
    }
    if (isReaped && before !== undefined && !hasRingChanged) bench.mark("a tombstone was reaped");
    if (isReaped || record === undefined) {
      ofNode.delete(name);
      return;
    }
    const { vector } = lens.state(record.body);
    if (
      before !== undefined &&
      bytes.length < SMALL_RECORD_BYTES &&
      !vector.dominates(before.vector) &&
      !hasRingChanged &&
      !mayGo(bench, name)
    ) {
      bench.report("a-replica-forgets-nothing", `${node}: ${name} covers less than it did`);
    }
    ofNode.set(name, { bytes, vector });
  };
  return {
    event: (event) => {
      // A member that starts says the ring that it has, which is no news.
      if (event.kind === "ring" && hasBegun && event.version !== founded) hasRingChanged = true;
      if (event.kind !== "fault") return;
      if (event.fault === "wipe") seen.delete(event.node);
      if (event.fault === "damage") seen.get(event.node)?.delete(event.about);
    },
    attempt: ({ operation: { bucket, key } }) => {
      hasBegun = true;
      founded ??= world.standing.map((name) => world.node(name)?.ring.version).find((version) => version !== undefined);
      for (const owner of lens.owners(bucket, key)) look(owner, bucket, key);
    },
    end: ({ keys }) => {
      for (const { bucket, key, holdings } of keys) for (const owner of holdings.keys()) look(owner, bucket, key);
    },
  };
}

/** Somebody tried to delete the key, or gave it a value that ends: between two looks that may have been done, and reaped, and the key made anew. */
function mayGo({ history }: Bench, name: string): boolean {
  const operations = history.keys.get(name) ?? [];
  return operations.some(endsSomething);
}
