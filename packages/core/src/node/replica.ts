/**
 * A replica: what this node makes of states that come to it, and what it says of those it holds (Dynamo §4.3, §4.5; DESIGN §4, §8).
 *
 * Reading, changing and writing a key is one step: where the store answers later, other changes of that key wait their turn.
 */
import type { Primitives } from "../base/primitives.js";
import type { KeyId } from "../base/key-id.js";
import type { ReadOutcome, Storage } from "../ports/storage.js";
import { decodeRecord, digestOf, encodeRecord, type LifetimeMark, type LocalRecord } from "../replication/record.js";
import { lifetimeAfterMerge } from "../versions/write.js";
import type { Stored } from "../wire/messages.js";
import type { Actors } from "./actors.js";
import type { ConflictMode, KeyState } from "../versions/key-state.js";
import type { Holdings } from "./holdings.js";
import type { Plant } from "./plants.js";
import type { States } from "./states.js";

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

/** What shall lie there from now on. */
export type Change = Omit<LocalRecord, "digest">;

export type StoredStatus = Stored["status"];

export interface ReplicaOptions {
  readonly primitives: Primitives;
  readonly storage: Storage;
  readonly states: States;
  readonly actors: Actors;
  readonly holdings: Holdings;
  readonly plants: ReadonlySet<Plant>;
  /** True for a partition that this instance has not merged from every other owner yet. */
  readonly inDoubt: (partition: number) => boolean;
  readonly modeOf: (id: Uint8Array) => ConflictMode;
  readonly onDamage: (key: KeyId) => void;
  /** The store has failed for good. */
  readonly onFailed: () => void;
}

type Turn = () => void;

export class Replica {
  /** Keys (by hash) whose change waits for the store, with the changes that wait for them. */
  readonly #busy = new Map<bigint, Turn[]>();
  readonly #options: ReplicaOptions;
  damagedRecords = 0;

  constructor(options: ReplicaOptions) {
    this.#options = options;
  }

  load(key: KeyId, done: (held: Held) => void): void {
    this.#options.storage.get(this.#address(key), (outcome) => done(this.#understand(key, outcome)));
  }

  /**
   * Reads the key, asks `decide` what shall be there, and keeps it. `done` comes when that is on disk, or with what went wrong.
   * `decide` may return undefined: then nothing is written and `done` is not called; the decider has said all there is to say.
   */
  modify(key: KeyId, decide: (held: Held) => Change | undefined, done: (status: StoredStatus) => void): void {
    const waiting = this.#busy.get(key.hash);
    if (waiting !== undefined) {
      waiting.push(() => this.modify(key, decide, done));
      return;
    }
    let answered = false;
    let returned = false;
    this.load(key, (held) => {
      answered = true;
      const change = decide(held);
      if (change !== undefined) this.#keep(key, held, change, done);
      if (returned) this.#nextTurn(key.hash);
    });
    returned = true;
    if (!answered) this.#busy.set(key.hash, []);
  }

  /**
   * Merges a state from elsewhere. `whole`: it holds what every other owner holds, so what was in doubt here no longer is.
   */
  merge(key: KeyId, body: Uint8Array, whole: boolean, done: (status: StoredStatus) => void): void {
    const { states, modeOf, plants } = this.#options;
    this.modify(
      key,
      (held) => {
        const record = held.kind === "absent" ? undefined : held.record;
        const inDoubt = held.kind === "unknown" && held.damaged && !whole;
        if (record === undefined || (whole && plants.has("repair-copies")))
          return { body, inDoubt, lifetime: undefined };
        const merged = states.merge(record.body, body, modeOf(key.id));
        return { body: merged.body, inDoubt, lifetime: this.#lifetimeAfter(record, merged.state) };
      },
      done,
    );
  }

  /** The lifetime goes on unless what came remembers more of it than this node does (TRAPS 2). */
  #lifetimeAfter(record: LocalRecord, merged: KeyState): LifetimeMark | undefined {
    const { actors, states } = this.#options;
    const inForce = actors.inForce(record.lifetime);
    if (inForce === undefined) return undefined;
    return lifetimeAfterMerge(states.decode(record.body).vector, actors.instance, inForce, merged.vector);
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
      this.damagedRecords++;
      this.#options.onDamage(key);
      return { kind: "unknown", record: undefined, damaged: true };
    }
    if (doubt || record.inDoubt) return { kind: "unknown", record, damaged: record.inDoubt };
    return { kind: "state", record };
  }

  #keep(key: KeyId, held: Held, change: Change, done: (status: StoredStatus) => void): void {
    const { primitives, storage, states, holdings, plants } = this.#options;
    const before = held.kind === "absent" ? undefined : held.record;
    const unchanged = before !== undefined && before.body === change.body;
    const digest = unchanged ? before.digest : digestOf(primitives, key.hash, change.body);
    const value = encodeRecord(primitives, key.hash, { ...change, digest });
    const isEarly = plants.has("ack-before-flush");
    storage.apply({ records: [{ ...this.#address(key), value }] }, (error) => {
      if (error === "failed") this.#options.onFailed();
      if (!isEarly) done(error === undefined ? "durable" : error);
    });
    if (isEarly) done("durable");
    if (!unchanged) {
      const live = before === undefined ? 0 : states.liveCount(before.body);
      holdings.changed(key.partition, key.id, live, states.outline(change.body));
    }
  }

  #nextTurn(hash: bigint): void {
    const waiting = this.#busy.get(hash) ?? [];
    this.#busy.delete(hash);
    // The first turn may make the key busy again; the others then queue behind it, in their order.
    for (const turn of waiting) turn();
  }

  #address(key: KeyId): { partition: number; hash: bigint; key: Uint8Array } {
    return { partition: key.partition, hash: key.hash, key: key.id };
  }
}
