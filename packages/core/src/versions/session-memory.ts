/**
 * What a session remembers, and what it makes of a read (Terry et al. 1994; read your writes, monotonic reads): of each key that it touched, the
 * version vector of all it has seen. A read that knows less is not shown; it is asked again of all replicas, until one knows enough.
 */
import { limits } from "../base/limits.js";
import { VersionVector } from "./version-vector.js";

/** What an answer knows of a key, or a session. */
export interface Knowledge {
  readonly vector: VersionVector;
  /** Some of it was seen or kept by fallbacks alone: then the primaries do not speak for all there is. */
  readonly byFallbacks: boolean;
}

/**
 * `shows-enough`: it may be shown. `knows-less`: it must be asked again of all primaries. `was-reaped`: all of them have answered, and what they miss
 * of what the session has seen was deleted and reaped since; it may be shown, and the session is to forget the key.
 */
export type ReadVerdict = "shows-enough" | "knows-less" | "was-reaped";

const NOTHING: Knowledge = { vector: VersionVector.EMPTY, byFallbacks: false };

export class SessionMemory {
  /** By `bucket/key`, least recently used first. */
  readonly #known = new Map<string, Knowledge>();

  constructor(readonly keysMax: number = limits.clientSessionKeysMax) {}

  /** Keys that are remembered. */
  get size(): number {
    return this.#known.size;
  }

  /** To be asked when a read begins: a write that ends while it is under way may have come too late for it. */
  known(name: string): Knowledge {
    return this.#known.get(name) ?? NOTHING;
  }

  /**
   * `ofAll`: all primaries have answered, and no fallback. Together they know every write that primaries acknowledged and that anything still
   * stands for. What only fallbacks took has to come home first.
   */
  judge(known: Knowledge, read: Knowledge, ofAll: boolean): ReadVerdict {
    if (read.vector.dominates(known.vector)) return "shows-enough";
    return ofAll && !known.byFallbacks && !read.byFallbacks ? "was-reaped" : "knows-less";
  }

  learn(name: string, news: Knowledge): void {
    const known = joined(this.known(name), news);
    this.#known.delete(name);
    this.#known.set(name, known);
    if (this.#known.size <= this.keysMax) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }

  forget(name: string): void {
    this.#known.delete(name);
  }
}

/** What both tell together. What primaries tell is not known by fallbacks alone, whoever told it before. */
function joined(before: Knowledge, news: Knowledge): Knowledge {
  const isAll = news.vector.dominates(before.vector);
  const isNothingNew = before.vector.dominates(news.vector);
  if (isAll && isNothingNew) return { vector: before.vector, byFallbacks: before.byFallbacks && news.byFallbacks };
  if (isAll) return news;
  if (isNothingNew) return before;
  return { vector: before.vector.union(news.vector), byFallbacks: before.byFallbacks || news.byFallbacks };
}
