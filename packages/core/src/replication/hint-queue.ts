/**
 * The hints that this node keeps for others, by target, oldest first (Dynamo §4.6): pure data, the memory's picture of the facts on disk. It
 * grows by `take`, to its bounds, and shrinks by `drop` alone, which asks whether the very hint that was fulfilled still stands.
 */
import { equalBytes } from "../base/bytes.js";
import { Tides, type Tide } from "./tides.js";
import { hintName, slotOf, type Hint, type HintTarget } from "./hint.js";

export interface HintLimits {
  readonly hintsMax: number;
  /** Of the states that hints name. */
  readonly bytesMax: number;
}

/** A hint with the name of its fact. Two of one name are the same object or not the same duty. */
export interface QueuedHint extends Omit<Hint, "digest"> {
  readonly name: string;
}

interface Line {
  readonly target: HintTarget;
  /** By name, in the order in which they were first taken. */
  readonly hints: Map<string, QueuedHint>;
}

export class HintQueue {
  /** By the target's instance. */
  readonly #lines = new Map<number, Line>();
  #count = 0;
  #bytes = 0;
  /** How many slots were ever needed for keys of one hash. */
  #slots = 1;
  /** Since when each is under way, for those who reap (tides.ts): a hint that is renewed, or put back, is as old as it was. */
  readonly #since = new Map<QueuedHint, Tide>();
  /** Of each that is on its way to the disk, what it renewed: that stands again if it does not get there. */
  readonly #renewed = new Map<QueuedHint, QueuedHint | undefined>();

  constructor(
    readonly limits: HintLimits,
    readonly tides = new Tides(0, 0),
  ) {}

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** When the oldest was taken on; undefined when there is none. */
  get oldestSinceMs(): number | undefined {
    let oldest: number | undefined;
    for (const { hints } of this.#lines.values()) {
      for (const { sinceMs } of hints.values()) {
        if (oldest === undefined || sinceMs < oldest) oldest = sinceMs;
        break;
      }
    }
    return oldest;
  }

  /** Those with at least one hint. */
  get targets(): readonly HintTarget[] {
    return [...this.#lines.values()].map(({ target }) => target);
  }

  countFor(instance: number): number {
    return this.#lines.get(instance)?.hints.size ?? 0;
  }

  /** What stands on disk already, at a start. */
  restore(found: readonly QueuedHint[]): void {
    for (const hint of found.toSorted((a, b) => a.sinceMs - b.sinceMs)) this.#put(hint);
  }

  /**
   * Takes a duty on: the hint to keep, or undefined at a bound. A key that is kept for that target already stays as old as it was: what was
   * owed first is owed still. The bounds refuse, and never drop what was taken (DESIGN §5).
   */
  take(hash: bigint, hint: Hint): QueuedHint | undefined {
    const { name, known } = this.#place(hash, hint);
    const added = known === undefined ? 1 : 0;
    const addedBytes = hint.bytes - (known?.bytes ?? 0);
    const isFull = this.#count + added > this.limits.hintsMax || this.#bytes + addedBytes > this.limits.bytesMax;
    if (isFull && known === undefined) return undefined;
    const { partition, id, bytes, isGuest } = hint;
    const sinceMs = Math.min(hint.sinceMs, known?.sinceMs ?? hint.sinceMs);
    // One object says for whom, however many hints are for that one.
    const target = this.#lines.get(hint.target.instance)?.target ?? hint.target;
    const queued = { name, target, partition, id, bytes, sinceMs, isGuest };
    this.#put(queued);
    this.#renewed.set(queued, known);
    return queued;
  }

  /** What was taken is on disk. */
  kept(hint: QueuedHint): void {
    this.#renewed.delete(hint);
  }

  /** What was taken did not get to disk: what lies there under its name, if anything, stands again. */
  undo(hint: QueuedHint): void {
    const before = this.#renewed.get(hint);
    const chain = this.#chainAt(hint);
    const later = chain[chain.indexOf(hint) - 1];
    if (later !== undefined) this.#renewed.set(later, before);
    this.#renewed.delete(hint);
    if (chain[0] !== hint) return this.over(hint);
    if (before !== undefined) return this.#put(before);
    this.drop(hint);
    this.over(hint);
  }

  /** Whether this very hint stands: it was not dropped, and nothing was added to it since. */
  stands(hint: QueuedHint): boolean {
    return this.#lines.get(hint.target.instance)?.hints.get(hint.name) === hint;
  }

  /** Takes back what was dropped too early: its end did not get to disk. What was taken meanwhile for the same key stands for it. */
  putBack(hint: QueuedHint): void {
    const standing = this.#lines.get(hint.target.instance)?.hints.get(hint.name);
    if (standing === undefined) return this.#put(hint);
    this.over(standing);
    this.#inherit(hint, standing);
    const chain = this.#chainAt(hint);
    const first = chain.at(-1);
    if (first !== undefined && this.#renewed.has(first) && !chain.includes(hint)) this.#renewed.set(first, hint);
  }

  /** It is gone from the disk too, or never got there. */
  over(hint: QueuedHint): void {
    const tide = this.#since.get(hint);
    if (this.#since.delete(hint) && tide !== undefined) this.tides.leave(tide);
  }

  /** Drops this very hint; one that was renewed stays. It is under way until it is `over`. */
  drop(hint: QueuedHint): void {
    const line = this.#lines.get(hint.target.instance);
    if (line === undefined || line.hints.get(hint.name) !== hint) return;
    line.hints.delete(hint.name);
    this.#count--;
    this.#bytes -= hint.bytes;
    if (line.hints.size === 0) this.#lines.delete(hint.target.instance);
  }

  /** What is kept for a target, oldest first. What is taken or dropped meanwhile may or may not be seen. */
  *for(instance: number): Iterable<QueuedHint> {
    yield* this.#lines.get(instance)?.hints.values() ?? [];
  }

  /** Whether the key's state lies here for others alone, by what is known of it: it is kept for somebody, and as a guest each time. */
  isGuest(key: Pick<Hint, "partition" | "id"> & { readonly hash: bigint }): boolean {
    let isKept = false;
    for (const { target } of this.#lines.values()) {
      const { known } = this.#place(key.hash, { ...key, target });
      if (known?.isGuest === false) return false;
      isKept ||= known !== undefined;
    }
    return isKept;
  }

  /** Whether the key is kept for anybody but the hint's own target. */
  isKeptForOthers(hash: bigint, hint: QueuedHint): boolean {
    for (const { target } of this.#lines.values()) {
      if (target.instance === hint.target.instance) continue;
      if (this.#place(hash, { ...hint, target }).known !== undefined) return true;
    }
    return false;
  }

  /** Whether the key is kept for anybody. */
  isKept(key: Pick<Hint, "partition" | "id"> & { readonly hash: bigint }): boolean {
    for (const { target } of this.#lines.values()) {
      if (this.#place(key.hash, { ...key, target }).known !== undefined) return true;
    }
    return false;
  }

  /** Keys that share a hash take a slot each; there are as good as never two. */
  #place(
    hash: bigint,
    hint: Pick<Hint, "partition" | "id" | "target">,
  ): { readonly name: string; readonly known: QueuedHint | undefined } {
    const line = this.#lines.get(hint.target.instance);
    let free: string | undefined;
    for (let slot = 0; slot <= this.#slots; slot++) {
      const name = hintName(hint.partition, hash, hint.target.instance, slot);
      const known = line?.hints.get(name);
      if (known !== undefined && equalBytes(known.id, hint.id)) return { name, known };
      if (known === undefined) free ??= name;
      if (slot === this.#slots - 1 && free !== undefined) break;
    }
    return { name: free as string, known: undefined };
  }

  #put(hint: QueuedHint): void {
    const { target, name, bytes } = hint;
    this.#slots = Math.max(this.#slots, slotOf(name) + 1);
    const line = this.#lines.get(target.instance) ?? { target, hints: new Map<string, QueuedHint>() };
    this.#lines.set(target.instance, line);
    const known = line.hints.get(name);
    line.hints.set(name, hint);
    if (known !== undefined) this.#inherit(known, hint);
    else if (!this.#since.has(hint)) this.#since.set(hint, this.tides.enter());
    this.#count += known === undefined ? 1 : 0;
    this.#bytes += bytes - (known?.bytes ?? 0);
  }

  /** The one that stands under the hint's name, and those that it renewed on its way to the disk, the last first. */
  #chainAt({ target, name }: QueuedHint): readonly QueuedHint[] {
    const chain: QueuedHint[] = [];
    let each = this.#lines.get(target.instance)?.hints.get(name);
    for (; each !== undefined; each = this.#renewed.get(each)) chain.push(each);
    return chain;
  }

  #inherit(from: QueuedHint, to: QueuedHint): void {
    const tide = this.#since.get(from);
    if (tide === undefined || from === to) return;
    this.#since.delete(from);
    this.#since.set(to, tide);
  }
}
