/** What a store should hold after some batches: a plain map, and the states after each batch that may still be the last one. */
import type { Batch, RecordWrite } from "@kvorum/core";

const text = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

/** `partition/hash/key` and `fact/name` to what is held there, marks included. */
export type Content = ReadonlyMap<string, string>;

export function addressOf({ partition, hash, key }: Pick<RecordWrite, "partition" | "hash" | "key">): string {
  return `${partition}/${hash}/${text(key)}`;
}

export function shown(value: Uint8Array, marks: { digest?: bigint; mark?: number; tag?: number }): string {
  return `${text(value)} ${marks.digest ?? 0n} ${marks.mark ?? 0} ${marks.tag ?? 0}`;
}

export function after(content: Content, batch: Batch): Content {
  const next = new Map(content);
  for (const partition of batch.drops ?? []) {
    for (const address of content.keys()) if (address.startsWith(`${partition}/`)) next.delete(address);
  }
  for (const write of batch.records ?? []) {
    if (write.value === undefined) next.delete(addressOf(write));
    else next.set(addressOf(write), shown(write.value, write));
  }
  for (const { name, value } of batch.meta ?? []) {
    if (value === undefined) next.delete(`fact/${name}`);
    else next.set(`fact/${name}`, text(value));
  }
  return next;
}

export function isSame(a: Content, b: Content): boolean {
  return a.size === b.size && [...a].every(([address, held]) => b.get(address) === held);
}

/** The states that a store may be found in: what is acknowledged is there, batch after batch, and nothing that was never applied. */
export class Model {
  /** After the last batch that is known to be durable. */
  #proven: Content;
  /** Applied since, and not settled. */
  #batches: Batch[] = [];

  constructor(content: Content) {
    this.#proven = content;
  }

  get unsettled(): number {
    return this.#batches.length;
  }

  apply(batch: Batch): void {
    this.#batches.push(batch);
  }

  /** It is durable, and so is all before it. */
  settled(batch: Batch): void {
    const first = this.#batches.shift();
    if (first !== batch) throw new Error("batches settle in the order in which they were applied");
    this.#proven = after(this.#proven, batch);
  }

  /** It never was: there was no room. */
  refused(batch: Batch): void {
    this.#batches = this.#batches.filter((other) => other !== batch);
  }

  /** What it allows, for a message. */
  inspect(): string {
    const batches = this.#batches.map(({ drops, records, meta }) => ({
      drops,
      records: records?.map((each) => `${addressOf(each)}=${each.value === undefined ? "-" : text(each.value)}`),
      meta: meta?.map(({ name, value }) => `${name}=${value === undefined ? "-" : text(value)}`),
    }));
    return JSON.stringify({ proven: [...this.#proven], batches }, null, 1);
  }

  allows(content: Content): boolean {
    let state = this.#proven;
    if (isSame(state, content)) return true;
    for (const batch of this.#batches) if (isSame((state = after(state, batch)), content)) return true;
    return false;
  }
}

export { text };
