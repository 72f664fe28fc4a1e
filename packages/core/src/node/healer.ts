/**
 * Heals damaged records from the other owners, also those that nobody reads (DESIGN §7, §8): asks each of them for the key, merges what they hold, and
 * calls the record whole once every one has given its state or proved that it has none. Until then it is "don't know". Where others' records are
 * damaged too they would wait for each other for ever: when each has said all it can read, that is all there is, and the loss is told.
 */
import { limits } from "../base/limits.js";
import type { KeyId } from "../base/key-id.js";
import type { Tide } from "../replication/tides.js";
import type { Message } from "../wire/messages.js";
import type { NoReply } from "./calls.js";
import type { NodeContext } from "./context.js";
import { gather, type Gathered } from "./gather.js";
import { recordOf, type Held } from "./replica.js";
import { placedBy } from "./placement.js";
import type { Parsed } from "./states.js";

/** What the other owners' replies are worth: a proof of all there is; all that can be read anywhere; less. */
type Word = "proof" | "readable" | "partial";

interface Patient {
  /** Its id is empty while only its place is known. */
  key: KeyId;
  tries: number;
}

export interface HealerOptions {
  readonly node: NodeContext;
  /** There are too many to remember: any key of the partition may be one. */
  readonly onTooMany: (partition: number) => void;
}

export class Healer {
  readonly #options: HealerOptions;
  /** By hash. */
  readonly #patients = new Map<bigint, Patient>();
  /** Those whose turn it is, in order. */
  readonly #queue: Patient[] = [];
  #busy = false;
  /** What the others answer is in this node's hands until it lies here. */
  #tide: Tide | undefined;
  #stopped = false;
  readonly #cancels = new Set<() => void>();
  /** Records that are whole again; and those of which something may be lost, since no sound copy was left. */
  healed = 0;
  lost = 0;

  constructor(options: HealerOptions) {
    this.#options = options;
  }

  /** Records that wait to be healed. */
  get pending(): number {
    return this.#patients.size;
  }

  /** A record that is damaged, or that may lack writes. */
  found(key: KeyId): void {
    const { node, onTooMany } = this.#options;
    if (this.#stopped || this.#patients.has(key.hash) || !node.ownsPartition(key.partition)) return;
    if (this.#patients.size >= limits.damagedKeysMax) return onTooMany(key.partition);
    const patient = { key: { ...key, id: key.id.slice() }, tries: 0 };
    this.#patients.set(key.hash, patient);
    this.#queue.push(patient);
    // Not in the middle of a read or scan.
    this.#later(0, () => this.#next());
  }

  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#cancels) cancel();
  }

  #next(): void {
    const patient = this.#busy || this.#stopped ? undefined : this.#queue.shift();
    if (patient === undefined) return;
    this.#busy = true;
    this.#tide = this.#options.node.tides.enter();
    const { node } = this.#options;
    node.budget.spend("repair", limits.healBytes, () => {
      if (patient.key.id.length > 0) this.#examine(patient);
      else this.#identify(patient);
    });
  }

  /** The key of which only the hash is known: another owner's record of that hash names it. */
  #identify(patient: Patient): void {
    const { key } = patient;
    this.#askOthers(key, { kind: "mend", states: [], wanted: [key.hash] }, (replies, word) => {
      const { node } = this.#options;
      for (const reply of replies.values()) {
        const [state] = reply.kind === "mended" ? reply.states : [];
        if (state === undefined || node.keyOfId(state.id).hash !== key.hash) continue;
        patient.key = { ...key, id: state.id.slice() };
        return this.#examine(patient);
      }
      if (word === "proof" && replies.size > 0) this.#giveUp(patient);
      else this.#again(patient);
    });
  }

  /** It may have been written or read since: then there is nothing to heal. */
  #examine(patient: Patient): void {
    const { node } = this.#options;
    node.replica.load(patient.key, (held) => {
      if (!isHurt(held)) return this.#over(patient);
      const { others, alive } = this.#othersOf(patient.key);
      // What can be known without the absent is here already.
      if (recordOf(held) !== undefined && alive.length < others.length) return this.#again(patient);
      this.#consult(patient);
    });
  }

  #consult(patient: Patient): void {
    const { key } = patient;
    this.#askOthers(
      key,
      { kind: "fetch", id: key.id, ...placedBy(this.#options.node, key.partition) },
      (replies, word) => {
        const merged = this.#merged(key, replies);
        const isAll = word === "proof" || (word === "readable" && patient.tries >= limits.healRoundsMax);
        if (merged !== undefined) return this.#keep(patient, merged, isAll, word);
        // Nobody else is there who could know better: what is left of the record stays "don't know".
        if (isAll && replies.size > 0) this.#remove(patient);
        else this.#again(patient);
      },
    );
  }

  #merged(key: KeyId, replies: Gathered): Parsed | undefined {
    const { node } = this.#options;
    const { states } = node;
    let merged: Parsed | undefined;
    for (const reply of replies.values()) {
      const state = reply.kind === "fetched" && reply.body !== undefined ? states.receive(reply.body) : undefined;
      if (state !== undefined) merged = merged === undefined ? state : states.join(merged, state, node.modeOf(key.id));
    }
    return merged;
  }

  #keep(patient: Patient, merged: Parsed, isAll: boolean, word: Word): void {
    const { node } = this.#options;
    const about = { partition: patient.key.partition };
    node.replica.merge(patient.key, merged, isAll, (status) => {
      if (status !== "durable" || !isAll) return this.#again(patient);
      if (word === "proof") this.healed++;
      else this.lost++;
      if (word === "proof") node.log("info", "damaged record healed", about);
      else node.log("error", "damaged record made of what is left: other owners' were damaged too", about);
      this.#over(patient);
    });
  }

  /** Every other owner has proved that it has nothing, or can read nothing: so it is with an instance that was merged from all of them (DESIGN §4). */
  #remove(patient: Patient): void {
    const { node } = this.#options;
    let isGone = true;
    const decide = (held: Held): { remove: true } | undefined => {
      if (isHurt(held) && recordOf(held) === undefined) return { remove: true };
      isGone = false;
      this.#again(patient);
      return undefined;
    };
    node.replica.modify(patient.key, decide, (status) => {
      if (isGone && status === "durable") this.#giveUp(patient);
      else this.#again(patient);
    });
  }

  #giveUp(patient: Patient): void {
    this.lost++;
    this.#options.node.log("error", "damaged record lost: no other owner has it", { partition: patient.key.partition });
    this.#over(patient);
  }

  #over(patient: Patient): void {
    this.#patients.delete(patient.key.hash);
    this.#turn();
  }

  #again(patient: Patient): void {
    const pauseMs = Math.min(limits.healRetryMaxMs, limits.healRetryMinMs * 2 ** patient.tries++);
    this.#later(pauseMs, () => {
      this.#queue.push(patient);
      this.#next();
    });
    this.#turn();
  }

  #turn(): void {
    this.#busy = false;
    if (this.#tide !== undefined) this.#options.node.tides.leave(this.#tide);
    this.#tide = undefined;
    this.#next();
  }

  #askOthers(key: KeyId, message: Message, done: (replies: Gathered, word: Word) => void): void {
    const { node } = this.#options;
    const { others, alive } = this.#othersOf(key);
    const deadlineAtMs = node.clock.monotonicMs() + limits.healAskMs;
    const self = (): void => {};
    gather(node, alive, message, deadlineAtMs, self, (replies) => {
      done(replies, alive.length === others.length ? wordOf([...replies.values()]) : "partial");
    });
  }

  /** Those who seem dead are not asked: each record would wait for them in vain. */
  #othersOf(key: KeyId): { readonly others: readonly string[]; readonly alive: readonly string[] } {
    const { node } = this.#options;
    const others = node.placement(key.partition).all.filter((name) => name !== node.self);
    return { others, alive: others.filter((name) => node.seemsAlive(name)) };
  }

  #later(delayMs: number, run: () => void): void {
    const cancel = this.#options.node.clock.after(delayMs, () => {
      this.#cancels.delete(cancel);
      if (!this.#stopped) run();
    });
    this.#cancels.add(cancel);
  }
}

/** Damaged, or there and perhaps not all of it. */
function isHurt(held: Held): boolean {
  return held.kind === "unknown" && held.damaged;
}

function wordOf(replies: readonly (Message | NoReply)[]): Word {
  if (replies.every(isProof)) return "proof";
  return replies.every((reply) => isProof(reply) || isAllItCanRead(reply)) ? "readable" : "partial";
}

function isAllItCanRead(reply: Message | NoReply): boolean {
  return reply.kind === "fetched" && reply.isRemains === true;
}

/** A state, or proven absence; "don't know" is neither. What a hash alone finds is the whole of it where all fitted in. */
function isProof(reply: Message | NoReply): boolean {
  return (reply.kind === "fetched" && reply.status !== "unknown") || (reply.kind === "mended" && reply.complete);
}
