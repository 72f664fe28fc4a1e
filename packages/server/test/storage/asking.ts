/** Asking a storage, with texts for bytes and promises for callbacks: what the parts of its contract share. */
import {
  type Batch,
  HASH_MAX,
  type IndexEntry,
  type ReadOutcome,
  type RecordKey,
  type RecordWrite,
  type Storage,
  type StorageError,
  type StoredRecord,
} from "@kvorum/core";
import { expect } from "vitest";

/** A place where a storage keeps its data: `open` again after a close finds it. */
export interface StoragePlace {
  open(): Promise<Storage>;
  remove(): Promise<void>;
}

export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
export const bytes = (latin1: string): Uint8Array => new Uint8Array(Buffer.from(latin1, "latin1"));

export const record = (partition: number, hash: bigint, key: string, value: string | undefined): RecordWrite => ({
  partition,
  hash,
  key: bytes(key),
  value: value === undefined ? undefined : bytes(value),
});

/** Resolves with the error of the batch once it has settled. */
export const settled = (storage: Storage, batch: Batch): Promise<StorageError | undefined> =>
  new Promise((resolve) => storage.apply(batch, resolve));

export const put = (storage: Storage, ...records: RecordWrite[]): Promise<StorageError | undefined> =>
  settled(storage, { records });

export const outcome = (storage: Storage, key: RecordKey): Promise<ReadOutcome> =>
  new Promise((resolve) => storage.get(key, resolve));

const shown = (found: ReadOutcome): string => (found.kind === "found" ? `=${text(found.value)}` : found.kind);

/** The value as text, or the outcome that is not a value. A glance, where there is one, says the same. */
export async function read(storage: Storage, partition: number, hash: bigint, key: string): Promise<string> {
  const address = { partition, hash, key: bytes(key) };
  const said = shown(await outcome(storage, address));
  if (storage.glance !== undefined) {
    // What is lent is good within the call.
    expect(await new Promise((resolve) => storage.glance?.(address, (found) => resolve(shown(found))))).toBe(said);
  }
  return said;
}

export const readMeta = (storage: Storage, name: string): Promise<string> =>
  new Promise((resolve) =>
    storage.getMeta(name, (found) => resolve(found.kind === "found" ? `=${text(found.value)}` : found.kind)),
  );

export function scan(
  storage: Storage,
  partition: number,
  from = 0n,
  to = HASH_MAX,
  visit: (record: StoredRecord) => boolean = () => true,
): Promise<string[]> {
  const seen: string[] = [];
  return new Promise((resolve) =>
    storage.scan(
      partition,
      from,
      to,
      (found) => {
        expect(found.partition).toBe(partition);
        seen.push(`${found.hash}/${text(found.key)}=${text(found.value)}`);
        return visit(found);
      },
      ({ damaged }) => {
        expect(damaged).toBe(0);
        resolve(seen);
      },
    ),
  );
}

/** What the index says, as `hash digest mark tag`. */
export function index(
  storage: Storage,
  partition: number,
  from = 0n,
  to = HASH_MAX,
  visit: (entry: IndexEntry) => boolean = () => true,
): Promise<string[]> {
  const seen: string[] = [];
  return new Promise((resolve) =>
    storage.scanIndex(
      partition,
      from,
      to,
      (entry) => {
        seen.push(`${entry.hash} ${entry.digest} ${entry.mark} ${entry.tag}`);
        return visit(entry);
      },
      ({ damaged }) => {
        expect(damaged).toBe(0);
        resolve(seen);
      },
    ),
  );
}

export function scanMeta(storage: Storage, prefix: string): Promise<string[]> {
  const seen: string[] = [];
  return new Promise((resolve) =>
    storage.scanMeta(
      prefix,
      (name, value) => seen.push(`${name}=${text(value)}`),
      () => resolve(seen),
    ),
  );
}

export const close = (storage: Storage): Promise<void> => new Promise((resolve) => storage.close(resolve));

/** The storage under test: a fresh one for each test, at a place that is removed after it. */
export class Held {
  storage!: Storage;
  #place!: StoragePlace;

  async begin(make: () => Promise<StoragePlace>): Promise<void> {
    this.#place = await make();
    await this.open();
  }

  async open(): Promise<void> {
    this.storage = await this.#place.open();
  }

  async reopen(): Promise<void> {
    await close(this.storage);
    await this.open();
  }

  async end(): Promise<void> {
    await close(this.storage);
    await this.#place.remove();
  }
}
