/** Counting after a start: by the index, which tells all but the keys in conflict; and the scrub, which reads the rest in its own time. */
import { describe, expect, it } from "vitest";
import { keyIdOf } from "../../src/base/key-id.js";
import { limits } from "../../src/base/limits.js";
import { BucketTags, NO_TAG } from "../../src/node/bucket-tags.js";
import type { MetaWrite } from "../../src/ports/storage.js";
import { testPrimitives } from "../primitives.js";
import { TestCluster } from "./cluster.js";

const named = (count: number): string[] => Array.from({ length: count }, (_, i) => `k${String(i).padStart(3, "0")}`);

/** Of the one member: starts it again and gives how many values were read until everything was counted. */
function readsOfRestart(cluster: TestCluster, live: number): number {
  const { storage } = cluster.member("n1");
  cluster.kill("n1");
  let reads = 0;
  const scan = storage.scan.bind(storage);
  storage.scan = (partition, from, to, visit, done) =>
    scan(partition, from, to, (record) => (reads++, visit(record)), done);
  cluster.restart("n1");
  // The scrub's first slices would be reads too: it is counted out by its own number.
  cluster.timeline.until(() => cluster.member("n1").node?.stats().liveKeys === live, 5_000, "counted");
  cluster.timeline.run(0);
  storage.scan = scan;
  return reads - cluster.node("n1").stats().scrubbedRecords;
}

describe("the census", () => {
  it("reads no value but those of keys in conflict", () => {
    const cluster = TestCluster.of(1);
    for (const key of named(200)) cluster.put("n1", key, "v");
    for (const key of named(3)) cluster.put("n1", key, "w");
    for (const key of named(200).slice(190)) cluster.put("n1", key, undefined);
    expect(readsOfRestart(cluster, 190)).toBe(3);
    expect(cluster.node("n1").stats()).toMatchObject({ liveKeys: 190, conflicts: 3 });
    const buckets = cluster.wait((done) => cluster.node("n1").listBuckets(1_000, done));
    expect(buckets).toEqual({ ok: true, value: [{ name: "b", keys: 190 }] });
  });

  it("counts keys whose bucket's number can't be read by reading them", () => {
    const cluster = TestCluster.of(1);
    for (const key of named(20)) cluster.put("n1", key, "v");
    expect(cluster.member("n1").storage.damageMeta("bucket-tag/")).toBe(1);
    expect(readsOfRestart(cluster, 20)).toBe(20);
    cluster.put("n1", "new", "v");
    // The damaged number is given to nobody else.
    expect([...cluster.member("n1").storage.disk.meta.keys()]).toContain("bucket-tag/2");
    const buckets = cluster.wait((done) => cluster.node("n1").listBuckets(1_000, done));
    expect(buckets).toEqual({ ok: true, value: [{ name: "b", keys: 21 }] });
  });
});

describe("the numbers of buckets", () => {
  const idOf = (bucket: string): Uint8Array => keyIdOf(testPrimitives, 64, bucket, "k").id;

  it("go to disk with the first record that carries them, and again until one such batch is there", () => {
    const tags = new BucketTags(testPrimitives);
    const tag = tags.tagFor(idOf("b"));
    const fact = tags.factFor(tag) as MetaWrite;
    expect([tags.tagFor(idOf("b")), tags.factFor(tag)]).toEqual([tag, fact]);
    tags.proven(tag);
    expect(tags.factFor(tag)).toBe(undefined);
    expect(tags.tagFor(idOf("c"))).not.toBe(tag);
  });

  it("end at their limit: further buckets have none", () => {
    const tags = new BucketTags(testPrimitives);
    for (let i = 1; i <= 65_535; i++) tags.tagFor(idOf(`b${i}`));
    expect(tags.tagFor(idOf("one too many"))).toBe(NO_TAG);
    expect(tags.tagFor(idOf("b65535"))).toBe(65_535);
    expect(tags.factFor(NO_TAG)).toBe(undefined);
  });
});

describe("the scrub", () => {
  it("finds a damaged record that nobody reads, in its next round", () => {
    const cluster = TestCluster.of(1);
    for (const key of named(300)) cluster.put("n1", key, "v");
    const damaged = (): number => cluster.node("n1").stats().damagedRecords;
    cluster.timeline.run(60_000);
    cluster.member("n1").storage.damage(cluster.place("k123"));
    cluster.timeline.run(60_000);
    expect(damaged()).toBe(0);
    cluster.timeline.run(limits.scrubIntervalMs);
    expect(damaged()).toBe(1);
    const { scrubbedRecords } = cluster.node("n1").stats();
    expect(scrubbedRecords).toBeGreaterThanOrEqual(300);
  });

  it("reads slowly: a slice, then a pause", () => {
    const cluster = TestCluster.of(1);
    const inOnePartition = named(9_999)
      .filter((key) => cluster.place(key).partition === 0)
      .slice(0, 150);
    for (const key of inOnePartition) cluster.put("n1", key, "v");
    cluster.kill("n1");
    cluster.restart("n1");
    cluster.timeline.until(() => cluster.member("n1").node !== undefined, 1_000, "n1 is a node");
    const read = (): number => cluster.node("n1").stats().scrubbedRecords;
    expect(read()).toBeLessThanOrEqual(limits.scrubRecordsAtOnce);
    cluster.timeline.run(2 * limits.scrubPauseMs);
    expect(read()).toBeLessThanOrEqual(3 * limits.scrubRecordsAtOnce);
    cluster.timeline.run(4 * limits.scrubPauseMs);
    expect(read()).toBe(150);
  });
});
