/** The store as the node sees it is the store itself, with a watch on its flushes: nothing that an engine can do is lost on the way. */
import { describe, expect, it } from "vitest";
import { WatchedStorage } from "../../src/node/watched-storage.js";
import type { ReadOutcome, RecordKey, Storage, StorageError } from "../../src/ports/storage.js";
import { Image } from "../../src/ports/image.js";
import { MemoryStorage } from "../../src/ports/memory-storage.js";

const KEY: RecordKey = { partition: 0, hash: 1n, key: Uint8Array.of(1) };

/** A memory store that can glance, and whose batches end when they are told to. */
class SlowStorage extends MemoryStorage {
  readonly ends: (() => void)[] = [];
  glances = 0;

  glance(key: RecordKey, done: (outcome: ReadOutcome) => void): void {
    this.glances++;
    this.get(key, done);
  }

  override apply(batch: Parameters<Storage["apply"]>[0], done: (error: StorageError | undefined) => void): void {
    super.apply(batch, (error) => void this.ends.push(() => done(error)));
  }
}

class FailedStorage extends MemoryStorage {
  override apply(_batch: Parameters<Storage["apply"]>[0], done: (error: StorageError | undefined) => void): void {
    done("failed");
  }
}

function watched(inner: Storage) {
  let nowMs = 0;
  const clock = { monotonicMs: () => nowMs, wallMs: () => nowMs, after: () => () => {} };
  return { storage: new WatchedStorage(inner, clock), pass: (ms: number) => void (nowMs += ms) };
}

describe("a watched store", () => {
  it("glances where its engine can, and reads where it can't", () => {
    const slow = new SlowStorage((run) => run(), new Image());
    const answers: string[] = [];
    watched(slow).storage.glance(KEY, ({ kind }) => answers.push(kind));
    expect([slow.glances, answers]).toEqual([1, ["absent"]]);
    const plain = new MemoryStorage((run) => run(), new Image());
    watched(plain).storage.glance(KEY, ({ kind }) => answers.push(kind));
    expect(answers).toEqual(["absent", "absent"]);
  });

  it("stands still while something waits and nothing ends, and moves with every end", () => {
    const slow = new SlowStorage((run) => run(), new Image());
    const { storage, pass } = watched(slow);
    pass(500);
    expect(storage.stalledMs).toBe(0);
    for (let i = 0; i < 2; i++) storage.apply({}, () => {});
    pass(700);
    expect(storage.stalledMs).toBe(700);
    slow.ends.shift()?.();
    expect(storage.stalledMs).toBe(0);
    pass(300);
    expect(storage.stalledMs).toBe(300);
    slow.ends.shift()?.();
    expect(storage.stalledMs).toBe(0);
  });

  it("says once that a flush has failed, whoever applied the batch, and nothing of one that comes after its close", () => {
    const { storage } = watched(new FailedStorage((run) => run(), new Image()));
    const heard: string[] = [];
    storage.onFailed = () => heard.push("failed for good");
    for (let i = 0; i < 2; i++) storage.apply({}, (error) => heard.push(`${error}`));
    expect(heard).toEqual(["failed for good", "failed", "failed"]);
    const closed = watched(new FailedStorage((run) => run(), new Image())).storage;
    closed.onFailed = () => heard.push("too late");
    closed.close(() => {});
    closed.apply({}, () => {});
    expect(heard).toHaveLength(3);
  });
});
