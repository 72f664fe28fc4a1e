/** One origin's published entries as one node knows them: a prefix, in version order, of what the origin said (the per-participant state of Scuttlebutt; Dynamo §4.8.1). */
import { assert } from "../base/assert.js";
import { equalBytes } from "../base/bytes.js";
import type { Delta, Digest, Entry, OriginSnapshot } from "./messages.js";

/** A difference that readers of the entries see. `value: undefined`: the origin started again and no longer says it. */
export interface Change {
  readonly instance: number;
  readonly key: string;
  readonly value: Uint8Array | undefined;
}

const INHERITED = 0;

/**
 * The invariant that reconciliation stands on: at `version` v, every entry that the origin published at or below v and did not
 * replace since is here. What was replaced above v may be missing, or be here in its older form; it comes with the rest.
 *
 * A later incarnation replaces an earlier one whole, and readers see that at one moment: the earlier entries stay readable
 * (inherited, version 0, never passed on) until the new incarnation is known up to its `base`. Otherwise a restart whose entries
 * take several messages would let facts vanish for a while, and a ring computed from them would flap.
 */
export class Origin {
  /** In version order, since a changed key is put at the end; inherited entries come first. */
  readonly #entries = new Map<string, Entry>();
  #heartbeat = 0;
  #version = 0;
  #inherited = 0;

  private constructor(
    readonly instance: number,
    readonly boot: number,
    readonly base: number,
  ) {}

  /** An origin's own state at its start: what it keeps across starts comes first, and `base` is where that ends. */
  static start(instance: number, boot: number, republished: ReadonlyMap<string, Uint8Array>): Origin {
    const origin = new Origin(instance, boot, republished.size);
    for (const [key, value] of republished) origin.publish(key, value);
    return origin;
  }

  static restored(snapshot: OriginSnapshot): Origin {
    const origin = new Origin(snapshot.instance, snapshot.boot, snapshot.base);
    origin.#heartbeat = snapshot.heartbeat;
    for (const entry of snapshot.entries) origin.#put(entry);
    assert(origin.#version === snapshot.version, "a snapshot's version is that of its last entry");
    return origin;
  }

  /** The next incarnation of `earlier`, of which nothing is known yet but what the delta's head says. */
  static succeeding(earlier: Origin | undefined, delta: Delta): Origin {
    const origin = new Origin(delta.instance, delta.boot, delta.base);
    for (const { key, value } of earlier?.entries() ?? []) origin.#put({ key, value, version: INHERITED });
    return origin;
  }

  get version(): number {
    return this.#version;
  }

  get heartbeat(): number {
    return this.#heartbeat;
  }

  get size(): number {
    return this.#entries.size;
  }

  digest(): Digest {
    return { instance: this.instance, boot: this.boot, heartbeat: this.#heartbeat, version: this.#version };
  }

  get(key: string): Uint8Array | undefined {
    return this.#entries.get(key)?.value;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  entries(): Iterable<Entry> {
    return this.#entries.values();
  }

  /** The entries above `version`, in version order. */
  after(version: number): Entry[] {
    const found: Entry[] = [];
    for (const entry of this.#entries.values()) if (entry.version > version) found.push(entry);
    return found;
  }

  snapshot(): OriginSnapshot {
    return { ...this.digest(), base: this.base, entries: [...this.#entries.values()] };
  }

  /** The origin itself says something new. False when it already says just that. */
  publish(key: string, value: Uint8Array): boolean {
    const known = this.get(key);
    if (known !== undefined && equalBytes(known, value)) return false;
    this.#put({ key, value: value.slice(), version: this.#version + 1 });
    return true;
  }

  /** True when the heartbeat is news: the origin has lived since it was last heard of. */
  hear(heartbeat: number): boolean {
    if (heartbeat <= this.#heartbeat) return false;
    this.#heartbeat = heartbeat;
    return true;
  }

  /** Takes a delta of this incarnation, and adds what readers will see differently to `changes`. Old ones do nothing. */
  extend(delta: Delta, changes: Change[]): void {
    assert(
      delta.instance === this.instance && delta.boot === this.boot,
      "a delta goes to the incarnation that it is of",
    );
    if (delta.after > this.#version) return;
    for (const entry of delta.entries) {
      if (entry.version <= this.#version) continue;
      const known = this.get(entry.key);
      // The value is a slice of the message it came in: copied, or one entry would keep the whole message alive.
      const value = entry.value.slice();
      this.#put({ key: entry.key, value, version: entry.version });
      if (known === undefined || !equalBytes(known, value))
        changes.push({ instance: this.instance, key: entry.key, value });
    }
    this.#dropInherited(changes);
  }

  #put(entry: Entry): void {
    const replaced = this.#entries.get(entry.key);
    if (replaced?.version === INHERITED) this.#inherited--;
    if (entry.version === INHERITED) this.#inherited++;
    // Deleted first, so that the map's order stays the order of versions.
    this.#entries.delete(entry.key);
    this.#entries.set(entry.key, entry);
    assert(entry.version > this.#version || entry.version === INHERITED, "an origin's versions rise");
    this.#version = Math.max(this.#version, entry.version);
  }

  #dropInherited(changes: Change[]): void {
    if (this.#inherited === 0 || this.#version < this.base) return;
    for (const { key, version } of this.#entries.values()) {
      if (version !== INHERITED) continue;
      this.#entries.delete(key);
      changes.push({ instance: this.instance, key, value: undefined });
    }
    this.#inherited = 0;
  }
}
