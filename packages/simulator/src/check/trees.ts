/** TRAPS 24: a hash tree says what lies on the disk. Each member's roots are worked out once more from nothing but its records. */
import { decodeRecord, NO_DIGEST, shareOf, Sum, treeDigest } from "@kvorum/core";
import type { Bench, Checker } from "./checker.js";
import type { FinalKey, Finals } from "./finals.js";

export function trees(bench: Bench): Checker {
  return {
    event: (event) => {
      if (event.kind !== "log" || !event.text.startsWith("a hash tree was not")) return;
      bench.report("trees-equal-the-data", `${event.node} found its own tree to be another than its store`);
    },
    end: ({ keys }) => {
      for (const name of bench.world.names) compare(bench, name, keys);
    },
  };
}

function compare(bench: Bench, name: string, keys: Finals["keys"]): void {
  const node = bench.world.node(name);
  if (node === undefined) return;
  const { partitions } = node.digests();
  for (const [partition, held] of byPartition(bench, keys)) {
    const isOwner = bench.lens.ownersOf(partition).includes(name);
    const root = partitions[partition];
    if (!isOwner) continue;
    const expected = rootOf(bench, name, held);
    if (expected === undefined || root === expected) continue;
    const what = root === undefined ? "has no tree" : `has the root ${root} for what is ${expected}`;
    bench.report("trees-equal-the-data", `${name} ${what} in partition ${partition}`);
  }
}

function byPartition({ world }: Bench, keys: readonly FinalKey[]): Map<number, FinalKey[]> {
  const found = new Map<number, FinalKey[]>();
  for (const final of keys) {
    const { partition } = world.keyOf(final.bucket, final.key);
    found.set(partition, [...(found.get(partition) ?? []), final]);
  }
  return found;
}

/** Undefined where a record can't be read, which its tree counts as the index remembers it: a sole owner's stays so. */
function rootOf({ world }: Bench, name: string, keys: readonly FinalKey[]): string | undefined {
  const sum = new Sum();
  for (const { bucket, key } of keys) {
    const { hash } = world.keyOf(bucket, key);
    const bytes = world.stored(name, bucket, key);
    if (bytes === undefined) continue;
    const record = decodeRecord(world.primitives, hash, bytes);
    if (record === undefined) return undefined;
    const digest = treeDigest(record);
    if (digest !== NO_DIGEST) sum.add(shareOf(hash, digest));
  }
  return sum.value.toString(16).padStart(16, "0");
}
