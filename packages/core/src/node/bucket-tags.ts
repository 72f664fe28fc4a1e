/** Short numbers for the buckets that this node has keys of, kept in the index beside each key: so that keys are counted by bucket without being read. */
import { namesOf } from "../base/key-id.js";
import type { Primitives } from "../base/primitives.js";
import { seal, unseal } from "../base/sealed.js";
import { TAG_MAX, type MetaWrite, type Storage } from "../ports/storage.js";

const PREFIX = "bucket-tag/";
/** Of a bucket that has no number: every number is taken, or the fact was damaged. Its keys are read to be counted. */
export const NO_TAG = 0;

export class BucketTags {
  readonly #tags = new Map<string, number>();
  readonly #names = new Map<number, string>();
  /** Given and not known to be on disk: what relies on such a number writes it again. */
  readonly #unproven = new Set<number>();
  /** Numbers whose fact can't be read: never given again, for keys carry them. */
  #last = NO_TAG;

  constructor(readonly primitives: Primitives) {}

  static load(primitives: Primitives, storage: Storage, done: (tags: BucketTags) => void): void {
    const tags = new BucketTags(primitives);
    storage.scanMeta(
      PREFIX,
      (name, value) => {
        const tag = Number(name.slice(PREFIX.length));
        tags.#last = Math.max(tags.#last, tag);
        const bytes = unseal(primitives, name, value);
        if (bytes !== undefined) tags.#know(primitives.text.decode(bytes, 0, bytes.length), tag);
      },
      () => done(tags),
    );
  }

  /** Undefined where the number says nothing. */
  bucketOf(tag: number): string | undefined {
    return this.#names.get(tag);
  }

  /** The number of the bucket that a key's id names. It may be given here and now: {@link factFor} then goes with the record. */
  tagFor(id: Uint8Array): number {
    const { bucket } = namesOf(this.primitives, id);
    const known = this.#tags.get(bucket);
    if (known !== undefined) return known;
    if (this.#last >= TAG_MAX) return NO_TAG;
    this.#know(bucket, ++this.#last);
    this.#unproven.add(this.#last);
    return this.#last;
  }

  /** What must be written in one batch with a record that carries the number; undefined where that is on disk. */
  factFor(tag: number): MetaWrite | undefined {
    const bucket = this.#names.get(tag);
    if (bucket === undefined || !this.#unproven.has(tag)) return undefined;
    const name = PREFIX + tag;
    const room = new Uint8Array(bucket.length * 3);
    const size = this.primitives.text.encodeInto(bucket, room, 0);
    return { name, value: seal(this.primitives, name, room.slice(0, size)) };
  }

  /** A batch with the number's fact is on disk. */
  proven(tag: number): void {
    this.#unproven.delete(tag);
  }

  #know(bucket: string, tag: number): void {
    this.#tags.set(bucket, tag);
    this.#names.set(tag, bucket);
  }
}
