/**
 * The hints that this node keeps for others (Dynamo §4.6; TRAPS 18, 19): each is on disk in the very batch of the state that it names, is found
 * again at every start, and goes when an owner durably has that state (node/handoff.ts).
 */
import type { KeyId } from "../base/key-id.js";
import { limits } from "../base/limits.js";
import type { Primitives } from "../base/primitives.js";
import type { MetaWrite, Storage } from "../ports/storage.js";
import { decodeHint, encodeHint, hintPrefix, placeOfHint, type HintTarget } from "../replication/hint.js";
import { HintQueue, type QueuedHint } from "../replication/hint-queue.js";
import { digestOf, type LocalRecord } from "../replication/record.js";
import type { NodeContext } from "./context.js";
import { NOTHING_OWED, type Owed } from "./debt-report.js";
import { RepairWaits } from "./repair-waits.js";
import { recordOf, type StoredStatus } from "./replica.js";

/** Hints that go to disk with a state: `settled` is to be told what became of that batch. */
export interface TakenHints {
  readonly meta: readonly MetaWrite[];
  settled(status: StoredStatus): void;
}

export class Hints {
  readonly queue: HintQueue;
  /** Writes that were answered and wait for the owners that have not, to owe them a hint. */
  readonly waits = new RepairWaits(limits.hintWaitsBytesMax);
  /** How often a hint found no room. */
  refused = 0;
  /** On this node's monotonic clock: when hints were taken since it was started, and when that was. */
  readonly #takenAtMs = new WeakMap<QueuedHint, number>();
  readonly #startedAtMs: number;
  /** Nothing is kept for others any more: this member has left, and what came now would go with it. */
  isClosed = false;

  constructor(
    readonly node: NodeContext,
    found: readonly QueuedHint[],
  ) {
    this.queue = new HintQueue({ hintsMax: limits.hintsMax, bytesMax: limits.hintBytesMax }, node.tides);
    this.queue.restore(found);
    this.#startedAtMs = node.clock.monotonicMs();
  }

  /**
   * A write may still count on this copy: its "durable" may be on its way to the coordinator. Given to another owner than the one it stands in
   * for, and dropped here, one disk would count as two.
   */
  mayBeCounted(hint: QueuedHint): boolean {
    const sinceMs = this.#takenAtMs.get(hint) ?? this.#startedAtMs;
    return this.node.clock.monotonicMs() - sinceMs < this.node.settings.messageLifeMs;
  }

  get owed(): Owed {
    const { count, bytes, oldestSinceMs = 0 } = this.queue;
    return { ...NOTHING_OWED, hints: count, hintBytes: bytes, oldestHintMs: Math.floor(oldestSinceMs) };
  }

  /** The members as they are now; one that is none any more is owed nothing. */
  targetsOf(names: readonly string[]): readonly HintTarget[] {
    return names.flatMap((name) => {
      const instance = this.node.membership.roster.instanceOf(name);
      return instance === undefined ? [] : [{ name, instance }];
    });
  }

  /**
   * Hints for what shall lie under the key, one for each target; undefined where there is no room for all of them. `before`: what lay there. A
   * record that was there before anybody was owed it is an owner's, of now or of a ring that this node has forgotten: it is not a guest.
   */
  take(
    key: KeyId,
    body: Uint8Array,
    before: LocalRecord | undefined,
    targets: readonly HintTarget[],
  ): TakenHints | undefined {
    if (this.isClosed && targets.length > 0) return undefined;
    const { primitives, clock } = this.node;
    const isOwner = this.node.ownsPartition(key.partition);
    const isGuest = !isOwner && (before === undefined || this.queue.isGuest(key));
    const digest = digestOf(primitives, key.hash, body);
    const { id, partition } = key;
    const sinceMs = Math.max(0, Math.floor(clock.wallMs()));
    const taken: QueuedHint[] = [];
    for (const target of targets) {
      const hint = { target, partition, id: id.slice(), digest, bytes: body.length, sinceMs, isGuest };
      const queued = this.queue.take(key.hash, hint);
      if (queued === undefined) {
        this.refused++;
        for (const each of taken) this.queue.undo(each);
        return undefined;
      }
      this.#takenAtMs.set(queued, clock.monotonicMs());
      taken.push(queued);
    }
    return {
      meta: taken.map((hint) => ({ name: hint.name, value: encodeHint(primitives, hint.name, { ...hint, digest }) })),
      settled: (status) => {
        for (const each of taken) {
          if (status === "durable") this.queue.kept(each);
          else this.queue.undo(each);
        }
      },
    };
  }

  /** Members missed what this node holds of the key: from now on it is owed to them. Without room it is left to anti-entropy. */
  owe(key: KeyId, names: readonly string[]): void {
    if (!this.node.settings.hints || names.length === 0) return;
    let taken: TakenHints | undefined;
    this.node.replica.modify(
      key,
      (held) => {
        const record = recordOf(held);
        taken = record && this.take(key, record.body, record, this.targetsOf(names));
        return record && taken && { ...record, meta: taken.meta };
      },
      (status) => taken?.settled(status),
    );
  }
}

export interface LoadOptions {
  readonly primitives: Primitives;
  readonly storage: Storage;
}

/** Reads the hints on disk. A damaged one is made whole from its name and the record it stands by: `damaged` counts those, and is for the log. */
export function loadHints(
  { primitives, storage }: LoadOptions,
  done: (found: readonly QueuedHint[], damaged: number) => void,
): void {
  const found: QueuedHint[] = [];
  const damaged: string[] = [];
  const read = (name: string, value: Uint8Array): void => {
    const hint = decodeHint(primitives, name, value);
    if (hint === undefined) damaged.push(name);
    else {
      const { target, partition, id, bytes, sinceMs, isGuest } = hint;
      found.push({ name, target, partition, id, bytes, sinceMs, isGuest });
    }
  };
  storage.scanMeta(hintPrefix, read, () => {
    let waiting = damaged.length;
    if (waiting === 0) return done(found, 0);
    for (const name of damaged) {
      recover(storage, name, (hint) => {
        if (hint !== undefined) found.push(hint);
        if (--waiting === 0) done(found, damaged.length);
      });
    }
  });
}

/** The name says partition, hash and instance; the record there says the key. */
function recover(storage: Storage, name: string, done: (hint: QueuedHint | undefined) => void): void {
  const place = placeOfHint(name);
  if (place === undefined) return done(undefined);
  const { partition, hash, instance } = place;
  let hint: QueuedHint | undefined;
  storage.scan(
    partition,
    hash,
    hash,
    (record) => {
      const bytes = record.value.length;
      const target = { name: "", instance };
      hint = { target, partition, id: record.key.slice(), bytes, sinceMs: 0, isGuest: false, name };
      return false;
    },
    () => done(hint),
  );
}
