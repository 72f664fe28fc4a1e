/**
 * The same numbers on every machine and every Node.js: what worlds are made of, against digests that were recorded once. How nodes behave is
 * not in here, so that a change of core records nothing anew; after a change of one of these parts, `KVORUM_RECORD=1` with this test does.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { Rng, type Batch } from "@kvorum/core";
import { describe, expect, it } from "vitest";
import { FailureDetector } from "../../../core/src/gossip/detector.js";
import { testPrimitives as primitives } from "../../../core/test/primitives.js";
import { RunDigest } from "../../src/digest.js";
import { Disk } from "../../src/world/disk.js";
import { Path } from "../../src/world/path.js";
import { Timeline } from "../../src/world/timeline.js";
import { WallClock } from "../../src/world/wall-clock.js";
import { encodeValue } from "../../src/workload/values.js";

const file = new URL("golden.json", import.meta.url);
const golden = JSON.parse(readFileSync(file, "utf8")) as Record<string, string>;
const isRecording = process.env["KVORUM_RECORD"] !== undefined;
const SEEDS = 40;

/** Each draws and notes what it drew, for one seed. */
const parts: Readonly<Record<string, (rng: Rng, digest: RunDigest) => void>> = {
  "random numbers": (rng, digest) => {
    const stream = rng.fork("net/n1>n2").fork("é/✓");
    for (let i = 0; i < 100; i++) {
      digest.word(stream.u32());
      digest.number(stream.float());
      digest.word(stream.below(1 + i));
      digest.word(stream.chance(0.3) ? 1 : 0);
    }
    digest.text(stream.shuffle(["a", "b", "c", "d", "e", "f", "g"]).join(""));
  },

  "virtual time": (rng, digest) => {
    const timeline = new Timeline(digest);
    const cancels: (() => void)[] = [];
    const happen = (): void => {
      digest.number(timeline.nowMs);
      if (cancels.length > 2_000) return;
      // Many at one time: the order of their making decides.
      cancels.push(timeline.after(rng.chance(0.3) ? 1 : rng.float() * 20, happen));
      if (rng.chance(0.1)) cancels.push(timeline.after(rng.float() * 5, happen));
      if (rng.chance(0.2)) rng.pick(cancels)();
    };
    for (let i = 0; i < 10; i++) timeline.after(i % 3, happen);
    timeline.run(100);
    timeline.until(() => timeline.nowMs > 180, 1_000);
  },

  "wall clocks": (rng, digest) => {
    const timeline = new Timeline(new RunDigest());
    const clock = new WallClock(timeline);
    for (let i = 0; i < 40; i++) {
      if (rng.chance(0.2)) clock.jump(Math.round((rng.float() * 2 - 1) * 50_000));
      if (rng.chance(0.2)) clock.drift(1 + (rng.float() * 2 - 1) * 0.01);
      timeline.run(rng.float() * 10_000);
      digest.number(clock.nowMs);
      digest.number(clock.errorMs);
    }
  },

  "a path's weather": (rng, digest) => {
    const path = new Path("n1>n2", 1, rng, 0.1, 7.3);
    for (let i = 0; i < 60; i++) {
      if (i === 20) path.weather = { loss: 0.2, duplicate: 0.1, reorder: 0.3, delayFactor: 40 };
      digest.number(path.travelMs());
    }
  },

  "what a power cut leaves": (rng, digest) => {
    const disk = new Disk(rng);
    const write = (i: number): Batch => ({
      records: [
        { partition: i % 3, hash: BigInt(i % 7), key: Uint8Array.of(i % 7), value: Uint8Array.of(i, i + 1, i + 2) },
      ],
      meta: [{ name: `fact-${i % 4}`, value: Uint8Array.of(i) }],
    });
    for (let i = 0; i < 60; i++) {
      disk.write(write(i));
      if (rng.chance(0.3)) disk.flush(disk.writtenUpTo);
      if (rng.chance(0.1)) digest.word(disk.lose() ? 1 : 0);
      if (rng.chance(0.1)) disk.loseHeld();
      if (rng.chance(0.1)) digest.word(disk.damageFact("fact-1") ? 1 : 0);
      for (const { key, value } of disk.visible.records()) {
        digest.bytes(key);
        digest.bytes(value);
      }
    }
  },

  "values and hashes": (rng, digest) => {
    const value = encodeValue(primitives, `c1.${rng.below(1_000)}`, rng.below(300));
    digest.bytes(value);
    digest.text(primitives.hash64(value).toString(16));
    digest.text(primitives.hash64(value, 7n).toString(16));
    digest.bytes(primitives.keyedHash(value.subarray(0, 32), value));
  },

  // Exponentials and logarithms: no standard says what their last bit is.
  "suspicion of silent members": (rng, digest) => {
    const detector = new FailureDetector({ intervalMs: 200 });
    let nowMs = 1;
    for (let i = 0; i < 300; i++) {
      nowMs += rng.float() * 400 * (i % 60 === 59 ? 20 : 1);
      digest.text(detector.status(1, nowMs));
      // Rounded, since only what is decided by it goes into a run.
      digest.number(Math.round(Math.min(detector.phi(1, nowMs), 1e6) * 1e6));
      if (rng.chance(0.8)) detector.heard(1, nowMs);
    }
  },
};

describe.each(Object.entries(parts))("%s", (name, draw) => {
  it("are what they were when they were recorded, on this Node.js too", () => {
    const digest = new RunDigest();
    for (let seed = 1; seed <= SEEDS; seed++) draw(new Rng(seed), digest);
    if (isRecording)
      writeFileSync(file, `${JSON.stringify(Object.assign(golden, { [name]: digest.value }), undefined, 2)}\n`);
    expect(digest.value).toBe(golden[name]);
  });
});
