/**
 * What clients wrote, what they were told and what they were shown, and the verdicts that follow (CHECKERS.md): C1, C3, C4, C5 and C8 of a
 * history with three outcomes, done, not done and unknown.
 */

export type Outcome = "done" | "not-done" | "unknown";

/** A PUT or DELETE. Until there is an answer its outcome is unknown: it may appear or not, and both are right. */
export interface Write {
  readonly kind: "put" | "delete";
  readonly key: string;
  /** Names the value (values.ts); a delete has one too, though nothing bears it. */
  readonly tag: string;
  /** The tags that were returned by the read its context came from; none for a blind write. */
  readonly saw: readonly string[];
  readonly startMs: number;
  endMs: number;
  outcome: Outcome;
}

interface Read {
  readonly key: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly tags: readonly string[];
}

export class History {
  readonly #writes = new Map<string, Write[]>();
  readonly #byTag = new Map<string, Write>();
  readonly #reads: Read[] = [];
  readonly #pasts = new Map<string, ReadonlySet<string>>();

  get keys(): string[] {
    return [...this.#writes.keys()];
  }

  begin(kind: Write["kind"], key: string, saw: readonly string[]): Write {
    const tag = `${kind} ${this.#byTag.size + 1} of ${key}`;
    const write: Write = { kind, key, tag, saw, startMs: performance.now(), endMs: Infinity, outcome: "unknown" };
    this.#byTag.set(tag, write);
    const ofKey = this.#writes.get(key);
    if (ofKey === undefined) this.#writes.set(key, [write]);
    else ofKey.push(write);
    return write;
  }

  end(write: Write, outcome: Outcome): void {
    write.outcome = outcome;
    write.endMs = performance.now();
  }

  /** A read at quorum returned `tags`. */
  read(key: string, startMs: number, tags: readonly string[]): void {
    this.#reads.push({ key, startMs, endMs: performance.now(), tags });
  }

  /** Writes with this outcome; of `keys`, or of all. */
  count(outcome: Outcome, keys: readonly string[] = this.keys): number {
    return keys.flatMap((key) => this.#of(key)).filter((write) => write.outcome === outcome).length;
  }

  /** Keys that nobody wrote twice. */
  writtenOnce(): string[] {
    return this.keys.filter((key) => this.#of(key).length === 1);
  }

  /** C1: acknowledged writes of the key that nothing found covers, and that no delete may have taken. */
  lost(key: string, found: readonly string[]): string[] {
    const missing = this.#of(key).filter((write) => write.outcome === "done" && !this.#stands(write, found, Infinity));
    return missing.map(({ tag }) => `${tag}: found ${found.join(", ") || "nothing"}`);
  }

  /** C5: what was found though nobody wrote it to this key, or though it was surely not done. */
  phantoms(key: string, found: readonly string[]): string[] {
    return found
      .filter((tag) => {
        const write = this.#byTag.get(tag);
        return write?.kind !== "put" || write.key !== key || write.outcome === "not-done";
      })
      .map((tag) => `${key} shows ${tag}`);
  }

  /** C3, C4: what was found though a write that was done, or that was found beside it, had seen it. Only for owners that have healed. */
  returned(key: string, found: readonly string[]): string[] {
    const later = this.#of(key).filter(({ outcome, tag }) => outcome === "done" || found.includes(tag));
    return found.flatMap((tag) =>
      later.filter((write) => this.#past(write.tag).has(tag)).map((write) => `${tag} is back after ${write.tag}`),
    );
  }

  /** C8: reads at quorum that miss a write which was done before they began. */
  stale(): string[] {
    return this.#reads.flatMap(({ key, startMs, endMs, tags }) =>
      this.#of(key)
        .filter((write) => write.outcome === "done" && write.endMs < startMs && !this.#stands(write, tags, endMs))
        .map(({ tag }) => `a read of ${key} misses ${tag}: it returned ${tags.join(", ") || "nothing"}`),
    );
  }

  /** The write, or one that had seen it, is among `found`; or a delete that was attempted before `untilMs` had seen it. */
  #stands(write: Write, found: readonly string[], untilMs: number): boolean {
    // Nothing bears the tag of a delete; that what it had seen is gone is C3, which needs quiet first.
    if (write.kind === "delete") return true;
    if (found.some((tag) => tag === write.tag || this.#past(tag).has(write.tag))) return true;
    return this.#of(write.key).some(
      ({ kind, outcome, tag, startMs }) =>
        kind === "delete" && outcome !== "not-done" && startMs <= untilMs && this.#past(tag).has(write.tag),
    );
  }

  /** All that a write had seen, and what that had seen. A context is older than the write that bears it, so this ends. */
  #past(tag: string): ReadonlySet<string> {
    const known = this.#pasts.get(tag);
    if (known !== undefined) return known;
    const saw = this.#byTag.get(tag)?.saw ?? [];
    const past = new Set(saw.flatMap((seen) => [seen, ...this.#past(seen)]));
    this.#pasts.set(tag, past);
    return past;
  }

  #of(key: string): readonly Write[] {
    return this.#writes.get(key) ?? [];
  }
}
