/**
 * A replica: what this node makes of states that come to it, and what it says of those it holds (Dynamo §4.3, §4.5; DESIGN §4, §8).
 *
 * Reading, changing and writing a key is one step: whoever asks for a change while another is under way waits for its turn.
 */
import type { Primitives } from "../base/primitives.js";
import type { KeyId } from "../base/key-id.js";
import { NO_DIGEST } from "../merkle/sum.js";
import { MARK_MAX, type MetaWrite, type ReadOutcome, type RecordKey, type Storage } from "../ports/storage.js";
import type { Scanned, StorageError, StoredRecord } from "../ports/storage.js";
import { decodeRecord, digestOf, encodeRecord, type LifetimeMark, type LocalRecord } from "../replication/record.js";
import type { Tides } from "../replication/tides.js";
import { lifetimeAfterMerge } from "../versions/write.js";
import type { Stored } from "../wire/messages.js";
import type { Actors } from "./actors.js";
import type { BucketTags } from "./bucket-tags.js";
import type { ConflictMode, KeyState } from "../versions/key-state.js";
import type { Holdings, Outline } from "./holdings.js";
import type { Plant } from "./plants.js";
import type { Parsed, States } from "./states.js";

/**
 * What a replica holds of a key. `unknown`: it may have lost writes (a damaged record, a partition not yet merged from the other owners);
 * what is there is true, and its absence proves nothing.
 */
export type Held =
  | { readonly kind: "state"; readonly record: LocalRecord }
  | { readonly kind: "absent" }
  | {
      readonly kind: "unknown";
      readonly record: LocalRecord | undefined;
      /** This very record is the reason, not the partition as a whole. */
      readonly damaged: boolean;
    };

/** What shall lie there from now on, with the facts that stand or fall with it: one batch. */
export interface Change extends Omit<LocalRecord, "digest"> {
  readonly meta?: readonly MetaWrite[];
}

/** Nothing shall lie there, and the key's lifetime here ends with it (TRAPS 1): for a copy that others durably have. */
export interface Removal {
  readonly remove: true;
  readonly meta?: readonly MetaWrite[];
}

/** What a merge left there, and whether that is another state than before. */
export interface Kept {
  readonly body: Uint8Array;
  readonly changed: boolean;
}

/** Undefined: nothing is written, and `done` is not called; the decider has said all there is to say. */
export type Decided = Change | Removal | undefined;

export type StoredStatus = Stored["status"];

export interface ReplicaOptions {
  readonly primitives: Primitives;
  readonly storage: Storage;
  readonly states: States;
  readonly actors: Actors;
  readonly holdings: Holdings;
  readonly tags: BucketTags;
  readonly trees: TreesToKeep;
  readonly plants: ReadonlySet<Plant>;
  readonly tides: Tides;
  /** True for a partition that this instance has not merged from every other owner yet. */
  readonly inDoubt: (partition: number) => boolean;
  readonly modeOf: (id: Uint8Array) => ConflictMode;
  /** A damaged record was found; told once for each damage. Its id is empty where only its place is known. */
  readonly onDamage: (key: KeyId) => void;
  /** A record was read that may lack writes, and of which no more is known than that. */
  readonly onDoubtful: (key: KeyId) => void;
  /** There was no space for a change of a key in this partition: it is gone, though it was seen. */
  readonly onFull: (partition: number) => void;
}

/** The hash trees, as a replica keeps them current (DESIGN §7). */
export interface TreesToKeep {
  /** In the same step as the batch that does it: a key's state goes from one digest to another, {@link NO_DIGEST} where none counts. */
  changed(partition: number, hash: bigint, before: bigint, after: bigint): void;
  /** What the partition's tree counted for a key is not known, or what it was told did not happen. */
  doubt(partition: number): void;
}

type Turn = () => void;

const NO_FACTS = (): readonly MetaWrite[] => [];
const ABSENT: Held = { kind: "absent" };

/** Damaged keys that are remembered as told. With more than that, some are told twice. */
const DAMAGED_KEYS_MAX = 65_536;

export class Replica {
  /** Keys (by hash) that are being changed, with the changes that wait for them. */
  readonly #busy = new Map<bigint, Turn[]>();
  readonly #damaged = new Set<bigint>();
  readonly #options: ReplicaOptions;
  damagedRecords = 0;

  constructor(options: ReplicaOptions) {
    this.#options = options;
  }

  /** What this replica has to say of a key. A record that is marked as reaped is nothing any more. */
  load(key: KeyId, done: (held: Held) => void): void {
    this.look(key, (held) => done(held.kind === "state" && held.record.reaped === true ? ABSENT : held));
  }

  /** As {@link load}, for whoever needs the record no longer than `done` runs: its bytes are lent. */
  glance(key: KeyId, done: (held: Held) => void): void {
    const { storage } = this.#options;
    const take = (outcome: ReadOutcome): void => {
      const held = this.#understand(key, outcome);
      done(held.kind === "state" && held.record.reaped === true ? ABSENT : held);
    };
    if (storage.glance === undefined) storage.get(addressOf(key), take);
    else storage.glance(addressOf(key), take);
  }

  /** What lies there, marked or not. */
  look(key: KeyId, done: (held: Held) => void): void {
    this.#options.storage.get(addressOf(key), (outcome) => done(this.#understand(key, outcome)));
  }

  /** A record that a scan came by; undefined for a damaged one. */
  read({ partition, hash, key, value }: StoredRecord): LocalRecord | undefined {
    const record = decodeRecord(this.#options.primitives, hash, value);
    if (record === undefined) this.#foundDamage({ id: key, hash, partition });
    else if (record.inDoubt) this.#options.onDoubtful({ id: key, hash, partition });
    return record;
  }

  /** As the store's own, and what it could not read is known here from then on: no reader may pass by damage in silence. */
  scan(
    partition: number,
    fromHash: bigint,
    toHash: bigint,
    visit: (record: StoredRecord) => boolean,
    done: (result: Scanned) => void,
  ): void {
    this.#options.storage.scan(partition, fromHash, toHash, visit, (result) => {
      for (const hash of result.hashes ?? []) this.damagedAt(partition, hash);
      done(result);
    });
  }

  /** Reads the key, asks `decide` what shall be there, and keeps it. `done` comes when that is on disk, or with what went wrong. */
  modify(key: KeyId, decide: (held: Held) => Decided, done: (status: StoredStatus) => void): void {
    const turn = (): void =>
      this.look(key, (held) => {
        try {
          const decided = decide(held);
          if (decided !== undefined && "remove" in decided) this.#remove(key, held, decided, done);
          else if (decided !== undefined) this.#keep(key, held, decided, done);
        } finally {
          this.#nextTurn(key.hash);
        }
      });
    const waiting = this.#busy.get(key.hash);
    if (waiting !== undefined) {
      waiting.push(turn);
      return;
    }
    this.#busy.set(key.hash, []);
    turn();
  }

  /**
   * Merges a state from elsewhere. `whole`: it holds what every other owner holds, so what was in doubt here no longer is. `meta`: facts
   * about what is kept, to be kept with it; undefined where it must not be kept.
   */
  merge(
    key: KeyId,
    arrived: Parsed,
    whole: boolean,
    done: (status: StoredStatus, kept: Kept) => void,
    meta: (body: Uint8Array, before: LocalRecord | undefined) => readonly MetaWrite[] | undefined = NO_FACTS,
  ): void {
    let kept: Kept = { body: arrived.body, changed: false };
    const { tides } = this.#options;
    const tide = tides.enter();
    const end = (status: StoredStatus): void => {
      tides.leave(tide);
      done(status, kept);
    };
    this.modify(
      key,
      (held) => {
        const merged = this.#merged(key, held, arrived, whole);
        const facts = meta(merged.body, recordOf(held));
        kept = { body: merged.body, changed: recordOf(held)?.body !== merged.body };
        if (facts !== undefined) {
          const { body, inDoubt, lifetime, reaped } = merged;
          return { body, inDoubt, lifetime, reaped, meta: facts };
        }
        end("refused");
        return undefined;
      },
      end,
    );
  }

  #merged(key: KeyId, held: Held, arrived: Parsed, whole: boolean): Change {
    const { states, modeOf, plants } = this.#options;
    const record = recordOf(held);
    const inDoubt = held.kind === "unknown" && held.damaged && !whole;
    if (record === undefined || (whole && plants.has("repair-copies")))
      return { body: arrived.body, inDoubt, lifetime: undefined };
    const mine = states.parse(record.body);
    const merged = states.join(mine, arrived, modeOf(key.id));
    const lifetime = this.lifetimeAfter(record.lifetime, mine.state, merged.state);
    // Whoever still offers what is marked here, or less, is told that all is well: it is reaped.
    const reaped = record.reaped === true && merged.body === record.body;
    return { body: merged.body, inDoubt, lifetime, reaped };
  }

  /** The lifetime goes on unless what came remembers more of it than this node does (TRAPS 2). */
  lifetimeAfter(mark: LifetimeMark | undefined, mine: KeyState, merged: KeyState): LifetimeMark | undefined {
    const { actors } = this.#options;
    const inForce = actors.inForce(mark);
    return lifetimeAfterMerge(mine.vector, actors.instance, inForce, merged.vector);
  }

  #understand(key: KeyId, outcome: ReadOutcome): Held {
    const { primitives, inDoubt, plants } = this.#options;
    const doubt = inDoubt(key.partition) && !plants.has("notfound-is-absence");
    if (outcome.kind === "absent") {
      return doubt ? { kind: "unknown", record: undefined, damaged: false } : { kind: "absent" };
    }
    const record = outcome.kind === "found" ? decodeRecord(primitives, key.hash, outcome.value) : undefined;
    if (record === undefined && plants.has("notfound-is-absence")) return { kind: "absent" };
    if (record === undefined) {
      this.#foundDamage(key);
      return { kind: "unknown", record: undefined, damaged: true };
    }
    if (record.inDoubt) this.#options.onDoubtful(key);
    if (doubt || record.inDoubt) return { kind: "unknown", record, damaged: record.inDoubt };
    return { kind: "state", record };
  }

  /** A record that a scan could not read, at a place that it knows. */
  damagedAt(partition: number, hash: bigint): void {
    this.#foundDamage({ id: new Uint8Array(), hash, partition });
  }

  /**
   * Told once for each damage: it ends lifetimes, and must not do so at every read. But whoever reads it names it, which a scan could not, and
   * others may have come to hold it since it was given up.
   */
  #foundDamage(key: KeyId): void {
    if (this.#damaged.has(key.hash)) return key.id.length > 0 ? this.#options.onDoubtful(key) : undefined;
    if (this.#damaged.size >= DAMAGED_KEYS_MAX) this.#damaged.clear();
    this.#damaged.add(key.hash);
    this.damagedRecords++;
    this.#options.onDamage(key);
  }

  #keep(key: KeyId, held: Held, change: Change, done: (status: StoredStatus) => void): void {
    const { primitives, storage, states, holdings, tags, plants } = this.#options;
    const before = recordOf(held);
    const { meta = [] } = change;
    const sameBody = before !== undefined && before.body === change.body;
    if (sameBody && isSameBeside(before, change)) {
      // Nothing to write, but what lies there may be on its way to the disk: the batch comes behind it.
      storage.apply({ meta }, (error) => done(error ?? "durable"));
      return;
    }
    const digest = sameBody ? before.digest : digestOf(primitives, key.hash, change.body);
    // Field by field, here as wherever each write comes by: a spread with more behind it costs a microsecond, and what it makes outlives the write.
    const { body, inDoubt, lifetime, reaped } = change;
    const record: LocalRecord = { body, digest, inDoubt, lifetime, reaped };
    const value = encodeRecord(primitives, key.hash, record);
    this.#damaged.delete(key.hash);
    this.#tellTree(key, held, treeDigest(record));
    const isEarly = plants.has("ack-before-flush");
    const outline = states.outline(change.body);
    const mark = markOf(outline);
    const tag = tags.tagFor(key.id);
    const fact = tags.factFor(tag);
    const { partition, hash, id } = key;
    const records = [{ partition, hash, key: id, value, digest: treeDigest(record), mark, tag }];
    storage.apply({ records, meta: fact === undefined ? meta : [...meta, fact] }, (error) => {
      if (error === undefined && fact !== undefined) tags.proven(tag);
      this.#applied(key, error);
      if (!isEarly) done(error ?? "durable");
    });
    if (isEarly) done("durable");
    if (!sameBody) {
      const outlineBefore = before && states.outline(before.body);
      holdings.changed(key, outlineBefore, outline);
    }
  }

  #remove(key: KeyId, held: Held, { meta = [] }: Removal, done: (status: StoredStatus) => void): void {
    const { storage, states, holdings } = this.#options;
    const before = recordOf(held);
    this.#damaged.delete(key.hash);
    this.#tellTree(key, held, NO_DIGEST);
    const { partition, hash, id } = key;
    storage.apply({ records: [{ partition, hash, key: id, value: undefined }], meta }, (error) => {
      this.#applied(key, error);
      done(error ?? "durable");
    });
    holdings.changed(key, before && states.outline(before.body), undefined);
  }

  #applied(key: KeyId, error: StorageError | undefined): void {
    const { actors, trees, onFull } = this.#options;
    if (error !== "full") return;
    // The record of before is back, and may not know of a dot that others have by now (TRAPS 1).
    actors.retireAll();
    trees.doubt(key.partition);
    onFull(key.partition);
  }

  /** Before the batch is applied: a store that refuses it at once takes the tree back with it. */
  #tellTree(key: KeyId, held: Held, digest: bigint): void {
    const { trees, storage, plants } = this.#options;
    const before = recordOf(held);
    const counted = before === undefined ? NO_DIGEST : treeDigest(before);
    if (plants.has("tree-outside-batch")) {
      storage.apply({}, () => trees.changed(key.partition, key.hash, counted, digest));
    } else {
      trees.changed(key.partition, key.hash, counted, digest);
    }
    // Under a record that can't be read lies the digest that the index has of it.
    if (held.kind === "unknown" && held.damaged && before === undefined) trees.doubt(key.partition);
  }

  #nextTurn(hash: bigint): void {
    const next = this.#busy.get(hash)?.shift();
    if (next === undefined) this.#busy.delete(hash);
    else next();
  }
}

/** What lies there and can be read, in doubt or not. */
export function recordOf(held: Held): LocalRecord | undefined {
  return held.kind === "absent" ? undefined : held.record;
}

/** The digest under which a record counts in the hash tree, and lies in the store's index. */
export function treeDigest(record: LocalRecord): bigint {
  return record.reaped === true ? NO_DIGEST : record.digest;
}

/** What the index says of a record: its values, where time changes nothing about them; else that one must look. */
function markOf({ valued, expiries }: Outline): number {
  return expiries.length > 0 ? MARK_MAX : Math.min(MARK_MAX, valued);
}

/** Whether nothing changes beside the body. */
function isSameBeside(before: LocalRecord, change: Change): boolean {
  const sameReaped = (before.reaped === true) === (change.reaped === true);
  return before.inDoubt === change.inDoubt && sameReaped && isSameMark(before.lifetime, change.lifetime);
}

function isSameMark(a: LifetimeMark | undefined, b: LifetimeMark | undefined): boolean {
  return a?.boot === b?.boot && a?.birth === b?.birth;
}

function addressOf(key: KeyId): RecordKey {
  return { partition: key.partition, hash: key.hash, key: key.id };
}
