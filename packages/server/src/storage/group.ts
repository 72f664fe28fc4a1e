/** Group commit: the writes that go into one transaction together, visible before they are durable. */
import type { StorageError } from "@kvorum/core";

export const PAGE_BYTES = 4096;

export interface KeyedWrite {
  readonly key: Buffer;
  /** Undefined removes. */
  readonly value: Uint8Array | undefined;
}

/**
 * The batches applied since the last transaction began. They are committed as one, so of several writes to a key only the last counts:
 * a hot key costs one write a flush.
 */
export class Group {
  readonly #writes = new Map<string, KeyedWrite>();
  readonly #callbacks: ((error: StorageError | undefined) => void)[] = [];

  get empty(): boolean {
    return this.#callbacks.length === 0;
  }

  /** About how many bytes of new pages the group takes: each write its value, its leaf and its part of the branches above. */
  get pageBytes(): number {
    let bytes = 0;
    for (const { key, value } of this.writes()) bytes += key.length + (value?.length ?? 0) + 2 * PAGE_BYTES;
    return bytes;
  }

  /** In no order. */
  writes(): Iterable<KeyedWrite> {
    return this.#writes.values();
  }

  /** In the order of their keys: neighbours find the pages of a tree at hand. */
  sortedWrites(): readonly KeyedWrite[] {
    return [...this.#writes.values()].sort((a, b) => a.key.compare(b.key));
  }

  put(key: Buffer, value: Uint8Array | undefined): void {
    this.#writes.set(textOf(key), { key, value });
  }

  onSettled(done: (error: StorageError | undefined) => void): void {
    this.#callbacks.push(done);
  }

  get(key: Buffer): KeyedWrite | undefined {
    return this.#writes.size === 0 ? undefined : this.#writes.get(textOf(key));
  }

  /** Answers the batches in the order they were applied. */
  settle(error: StorageError | undefined): void {
    for (const done of this.#callbacks) done(error);
  }
}

/** The last write of each key with `from <= key < end`, in order of keys; later groups count more than earlier ones. */
export function writesBetween(groups: readonly (Group | undefined)[], from: Buffer, end: Buffer): KeyedWrite[] {
  const latest = new Map<string, KeyedWrite>();
  for (const group of groups) {
    for (const write of group?.writes() ?? []) {
      if (write.key.compare(from) >= 0 && write.key.compare(end) < 0) latest.set(textOf(write.key), write);
    }
  }
  return [...latest.values()].sort((a, b) => a.key.compare(b.key));
}

/** A string that stands for the bytes, one character each: a `Map` compares strings by content and buffers by identity. */
function textOf(key: Buffer): string {
  return key.toString("latin1");
}
