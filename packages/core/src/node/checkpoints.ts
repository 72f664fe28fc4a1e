/** How far each transfer is, on disk: a node that crashes in the middle of one goes on from there. */
import { Reader, Writer } from "../base/bytes.js";
import type { Primitives } from "../base/primitives.js";
import { seal, unseal } from "../base/sealed.js";
import type { MetaWrite, Storage } from "../ports/storage.js";

const metaPrefix = "transfer/";

/** The whole partition was merged from that source. */
export const ENDED = "ended";

export interface TransferId {
  readonly partition: number;
  /** Of the record that asked for the transfer; 0: what is owned is in doubt. */
  readonly epoch: number;
  readonly from: string;
}

export interface Checkpoint extends TransferId {
  /** Everything below this hash was merged. */
  readonly fromHash: bigint | typeof ENDED;
}

export class Checkpoints {
  /** By partition and source. */
  readonly #known = new Map<number, Map<string, Checkpoint>>();

  constructor(
    readonly primitives: Primitives,
    readonly storage: Storage,
  ) {}

  static load(primitives: Primitives, storage: Storage, done: (checkpoints: Checkpoints) => void): void {
    const checkpoints = new Checkpoints(primitives, storage);
    const read = (name: string, value: Uint8Array): void => {
      const bytes = unseal(primitives, name, value);
      // What can't be read is transferred again.
      if (bytes !== undefined) checkpoints.#note(decode(primitives, bytes));
    };
    storage.scanMeta(metaPrefix, read, () => done(checkpoints));
  }

  /** What forgets every transfer on disk, before any of it is read. */
  static removals(storage: Storage, done: (meta: readonly MetaWrite[]) => void): void {
    const meta: MetaWrite[] = [];
    const remove = (name: string): number => meta.push({ name, value: undefined });
    storage.scanMeta(metaPrefix, remove, () => done(meta));
  }

  /** Where to go on: 0 where nothing is known of that very transfer. */
  get({ partition, epoch, from }: TransferId): bigint | typeof ENDED {
    const known = this.#known.get(partition)?.get(from);
    return known?.epoch === epoch ? known.fromHash : 0n;
  }

  /** Not waited for: one that is lost costs a part of a transfer. */
  keep(checkpoint: Checkpoint): void {
    this.#note(checkpoint);
    const name = nameOf(checkpoint);
    this.storage.apply(
      { meta: [{ name, value: seal(this.primitives, name, encode(this.primitives, checkpoint)) }] },
      () => {},
    );
  }

  /** All of a partition's, but those for `except`, an epoch. */
  forget(partition: number, except?: number): void {
    const meta = this.forgotten(partition, except);
    if (meta.length > 0) this.storage.apply({ meta }, () => {});
  }

  /** Forgets them here, and gives what does so on disk. */
  forgotten(partition: number, except?: number): MetaWrite[] {
    const known = this.#known.get(partition);
    if (known === undefined) return [];
    const gone = [...known.values()].filter(({ epoch }) => epoch !== except);
    for (const { from } of gone) known.delete(from);
    if (known.size === 0) this.#known.delete(partition);
    return gone.map((checkpoint) => ({ name: nameOf(checkpoint), value: undefined }));
  }

  #note(checkpoint: Checkpoint): void {
    const { partition, from } = checkpoint;
    const known = this.#known.get(partition) ?? new Map<string, Checkpoint>();
    this.#known.set(partition, known.set(from, checkpoint));
  }
}

function nameOf({ partition, from }: TransferId): string {
  return `${metaPrefix}${partition.toString(16).padStart(4, "0")}/${from}`;
}

/** partition u16, epoch uvarint, from string, ended u8, hash u64. */
function encode(primitives: Primitives, { partition, epoch, from, fromHash }: Checkpoint): Uint8Array {
  const writer = new Writer(primitives.text);
  writer.u16(partition);
  writer.uvarint(epoch);
  writer.string(from);
  writer.u8(fromHash === ENDED ? 1 : 0);
  writer.u64(fromHash === ENDED ? 0n : fromHash);
  return writer.take();
}

function decode(primitives: Primitives, bytes: Uint8Array): Checkpoint {
  const reader = new Reader(primitives.text, bytes);
  const id: TransferId = { partition: reader.u16(), epoch: reader.uvarint(), from: reader.string() };
  const ended = reader.u8() === 1;
  const hash = reader.u64();
  return { ...id, fromHash: ended ? ENDED : hash };
}
