/** How buckets are configured: gossiped facts, of which the newest by stamp is in force everywhere. */
import { NO_STAMP, type Stamp } from "../base/hlc.js";
import { fail, ok } from "../base/failure.js";
import { limits } from "../base/limits.js";
import type { Primitives } from "../base/primitives.js";
import type { ConflictMode } from "../versions/key-state.js";
import type { BucketChange, BucketConfig, Reply } from "./api.js";
import type { FactStore } from "./fact-store.js";
import { bucketPrefix, decodeBucketFact, encodeBucketFact, type BucketFact } from "./facts.js";

const SLASH = 0x2f;

/** With the instance that said it. */
interface AuthoredFact extends BucketFact {
  readonly by: number;
}

/** The same on all members, also for two stamps that are equal. */
function isNewer(a: AuthoredFact, b: AuthoredFact): boolean {
  return a.stamp > b.stamp || (a.stamp === b.stamp && a.by > b.by);
}

export class Buckets {
  readonly #facts = new Map<string, AuthoredFact>();

  constructor(
    readonly primitives: Primitives,
    readonly store: FactStore,
    readonly replicas: number,
  ) {
    for (const { key, value, instance } of store.entries(bucketPrefix)) this.#learn(key, value, instance);
  }

  /**
   * What one member says of a bucket; undefined when it says nothing any more. Members may differ for a moment; the newest stamp wins everywhere.
   * Where an author went back behind what is in force (an old copy of its folder), this node says it in its place.
   */
  heard(key: string, value: Uint8Array | undefined, by: number): void {
    const said = value && this.#learn(key, value, by);
    const known = this.#facts.get(key.slice(bucketPrefix.length));
    if (known === undefined || known.by !== by || known.stamp === said?.stamp) return;
    const fact = encodeBucketFact(this.primitives, known);
    this.store.publish(key, fact, (error) => {
      if (error === undefined) this.#learn(key, fact, this.store.options.instance);
    });
  }

  #learn(key: string, value: Uint8Array, by: number): BucketFact | undefined {
    const fact = decodeBucketFact(this.primitives, value);
    if (fact === undefined) return undefined;
    const bucket = key.slice(bucketPrefix.length);
    const known = this.#facts.get(bucket);
    if (known === undefined || isNewer({ ...fact, by }, known)) this.#facts.set(bucket, { ...fact, by });
    return fact;
  }

  configured(): readonly string[] {
    return [...this.#facts.keys()];
  }

  config(bucket: string): BucketConfig {
    const fact = this.#facts.get(bucket);
    const n = this.replicas;
    if (fact === undefined) return { n, r: "quorum", w: "quorum", conflicts: "siblings" };
    const { r, w, conflicts, ttlSeconds } = fact;
    return { n, r, w, conflicts, ...(ttlSeconds !== undefined && { ttl: ttlSeconds }) };
  }

  /** The mode of the bucket that a key's id (`bucket/key`) names. */
  modeOf(id: Uint8Array): ConflictMode {
    return this.#factOf(id)?.conflicts ?? "siblings";
  }

  /** Seconds that values of that bucket stay unless their writes say otherwise; undefined: for ever. */
  ttlOf(id: Uint8Array): number | undefined {
    return this.#factOf(id)?.ttlSeconds;
  }

  stampOf(bucket: string): Stamp {
    return this.#facts.get(bucket)?.stamp ?? NO_STAMP;
  }

  set(bucket: string, change: BucketChange, stamp: Stamp, reply: Reply<BucketConfig>): void {
    if (!this.#facts.has(bucket) && this.#facts.size >= limits.bucketsConfiguredMax) {
      const detail = `${this.#facts.size} buckets are configured, at most ${limits.bucketsConfiguredMax} can be; use one of them`;
      return reply(fail("bad-parameter", detail));
    }
    const { r, w, conflicts, ttl } = { ...this.config(bucket), ...change };
    const key = bucketPrefix + bucket;
    const ttlSeconds = ttl ?? undefined;
    const said = { stamp, r, w, conflicts, ...(ttlSeconds !== undefined && { ttlSeconds }) };
    const fact = encodeBucketFact(this.primitives, said);
    this.store.publish(key, fact, (error) => {
      if (error !== undefined) {
        const detail = "this node could not write the bucket's configuration to its disk; try another node";
        return reply(fail(error === "full" ? "storage-full" : "storage-failed", detail));
      }
      this.#learn(key, fact, this.store.options.instance);
      reply(ok(this.config(bucket)));
    });
  }

  #factOf(id: Uint8Array): BucketFact | undefined {
    if (this.#facts.size === 0) return undefined;
    return this.#facts.get(this.primitives.text.decode(id, 0, id.indexOf(SLASH)));
  }
}
