/** Two clients of one cluster, as if in two places: what they do at the same time is concurrent. */
import { connect, type Kvorum } from "@kvorum/client";

/** What `kvorum dev` listens on. */
const DEV = ["127.0.0.1:7401", "127.0.0.1:7411", "127.0.0.1:7421"];

/** Connects twice to the members given on the command line (or to `kvorum dev`), runs the example, and closes. */
export async function twoShops(run: (here: Kvorum, there: Kvorum) => Promise<void>): Promise<void> {
  const given = process.argv.slice(2);
  const seeds = given.length > 0 ? given : DEV;
  await using here = await connect(seeds, { name: "here" });
  await using there = await connect(seeds, { name: "there" });
  await run(here, there);
}

/** A key that no earlier run has used. */
export function freshKey(name: string): string {
  return `${name}-${Date.now().toString(36)}-${process.pid}`;
}
