/**
 * An empty instance proves nothing (DESIGN §4): partitions that this node came to own (by joining, by a wiped disk, by a ring change) are in
 * doubt until they were merged from every other member. Which ones are whole is kept on disk. This is the first form: the three-phase
 * hand-over of DESIGN §3 takes its place.
 */
import { Reader, Writer } from "../base/bytes.js";
import { seal, unseal } from "../base/sealed.js";
import type { ReadOutcome } from "../ports/storage.js";
import type { Primitives } from "../base/primitives.js";
import type { Ring } from "../ring/ring.js";
import type { Message, Pulled } from "../wire/messages.js";
import type { TransferView } from "./api.js";
import type { NoReply } from "./calls.js";
import type { NodeContext } from "./context.js";

export const wholeMetaName = "whole";

const PULL_BYTES_MAX = 256 * 1024;
const PULL_TIMEOUT_MS = 5_000;
const PULLS_AT_ONCE = 8;
const RETRY_MS = 500;

/** A partition to be merged from one member, and how far that is. */
interface Source {
  readonly partition: number;
  readonly from: string;
  fromHash: bigint;
  afterId: Uint8Array;
  keys: number;
}

export function encodeWhole(primitives: Primitives, whole: ReadonlySet<number>, partitions: number): Uint8Array {
  const bits = new Uint8Array(Math.ceil(partitions / 8));
  for (const partition of whole) bits[partition >> 3] = (bits[partition >> 3] as number) | (1 << (partition & 7));
  const writer = new Writer(primitives.text);
  writer.blob(bits);
  return seal(primitives, wholeMetaName, writer.take());
}

/** The partitions that were whole; none where that can't be read. */
export function decodeWhole(primitives: Primitives, outcome: ReadOutcome): Set<number> {
  const whole = new Set<number>();
  const bytes = outcome.kind === "found" ? unseal(primitives, wholeMetaName, outcome.value) : undefined;
  if (bytes === undefined) return whole;
  const bits = new Reader(primitives.text, bytes).blob();
  for (let partition = 0; partition < bits.length * 8; partition++) {
    if (((bits[partition >> 3] as number) >> (partition & 7)) & 1) whole.add(partition);
  }
  return whole;
}

export class Refill {
  /** By partition: the members it still has to be merged from, each with how far that is. */
  readonly #missing = new Map<number, Map<string, Source>>();
  readonly #queue: Source[] = [];
  readonly #running = new Set<Source>();
  /** Sources that gave no answer: to be asked again after a while. */
  readonly #later: Source[] = [];
  #retry: (() => void) | undefined;
  #stopped = false;
  keysReceived = 0;

  constructor(
    readonly node: NodeContext,
    readonly whole: Set<number>,
    readonly onProgress: () => void,
  ) {}

  get partitionsInDoubt(): number {
    return this.#missing.size;
  }

  isInDoubt(partition: number): boolean {
    return this.#missing.has(partition);
  }

  transfers(): readonly TransferView[] {
    return [...this.#running, ...this.#queue, ...this.#later].map(({ partition, from, keys }) => ({
      partition,
      from,
      to: this.node.self,
      done: keys,
      total: keys,
    }));
  }

  /** Compares what this node owns with what it has whole, and starts on the rest. */
  ringChanged(ring: Ring): void {
    const others = ring.members.map((member) => member.name).filter((name) => name !== this.node.self);
    let lost = false;
    for (let partition = 0; partition < ring.partitions; partition++) {
      const owned = ring.owners(partition).includes(this.node.self);
      if (!owned) {
        lost = this.whole.delete(partition) || lost;
        this.#missing.delete(partition);
      } else if (!this.whole.has(partition)) {
        this.#want(partition, others);
      }
    }
    if (lost) this.#keepWhole();
    this.#start();
    this.onProgress();
  }

  /** Anything of the partition may be lost here: nothing is proven until it was merged from the others again. */
  doubt(partition: number): void {
    if (!this.node.ownsPartition(partition)) return;
    this.whole.delete(partition);
    this.#missing.delete(partition);
    this.#keepWhole();
    this.ringChanged(this.node.ring);
  }

  stop(): void {
    this.#stopped = true;
    this.#retry?.();
  }

  #want(partition: number, others: readonly string[]): void {
    const known = this.#missing.get(partition);
    const missing = known ?? new Map<string, Source>();
    this.#missing.set(partition, missing);
    for (const from of [...missing.keys()]) if (!others.includes(from)) missing.delete(from);
    // A member that joined after this node is as empty as this one was: only those of the first look count.
    if (known === undefined) {
      for (const from of others) {
        const source = { partition, from, fromHash: 0n, afterId: new Uint8Array(), keys: 0 };
        missing.set(from, source);
        this.#queue.push(source);
      }
    }
    if (missing.size === 0) this.#confirm(partition);
  }

  #start(): void {
    while (!this.#stopped && this.#running.size < PULLS_AT_ONCE) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      if (!this.#isWanted(next)) continue;
      this.#running.add(next);
      this.#pull(next);
    }
  }

  #pull(source: Source): void {
    const { partition, fromHash, afterId } = source;
    const message: Message = { kind: "pull", partition, fromHash, afterId, bytesMax: PULL_BYTES_MAX };
    let requestId = 0;
    const at = this.node.clock.monotonicMs() + PULL_TIMEOUT_MS;
    const deadline = this.node.deadlines.at(at, () => {
      this.node.abandon(requestId);
      this.#again(source);
    });
    requestId = this.node.ask(source.from, message, PULL_TIMEOUT_MS, (reply: Message | NoReply) => {
      deadline.cancel();
      if (reply.kind === "pulled") this.#take(source, reply);
      else this.#again(source);
    });
  }

  #take(source: Source, reply: Pulled): void {
    let waiting = 1;
    let failed = false;
    const one = (): void => {
      if (--waiting > 0) return;
      if (failed) this.#again(source);
      else if (reply.more) this.#pull(source);
      else this.#merged(source);
    };
    for (const { id, body } of reply.states) {
      const key = this.node.keyOfId(id);
      const arrived = this.node.states.receive(body);
      if (key.partition !== source.partition || arrived === undefined) continue;
      waiting++;
      this.node.replica.merge(key, arrived, false, (status) => {
        failed ||= status !== "durable";
        one();
      });
    }
    const last = reply.states.at(-1);
    if (last !== undefined) {
      source.fromHash = this.node.keyOfId(last.id).hash;
      source.afterId = last.id.slice();
      source.keys += reply.states.length;
      this.keysReceived += reply.states.length;
    }
    one();
  }

  #merged(source: Source): void {
    this.#running.delete(source);
    const missing = this.#missing.get(source.partition);
    if (this.#isWanted(source)) missing?.delete(source.from);
    if (this.node.plants.has("one-source-is-enough")) missing?.clear();
    if (missing?.size === 0) this.#confirm(source.partition);
    this.#start();
  }

  /** Not one of an earlier want: the partition may have come and gone meanwhile, and with it writes that were not sent here. */
  #isWanted(source: Source): boolean {
    return this.#missing.get(source.partition)?.get(source.from) === source;
  }

  /** From now on this node's silence about a key of the partition is a proof, so it must still be one after a restart. */
  #confirm(partition: number): void {
    this.#missing.delete(partition);
    this.whole.add(partition);
    if (this.#missing.size === 0 || this.whole.size % 16 === 0) this.#keepWhole();
    this.onProgress();
  }

  #keepWhole(): void {
    const { primitives, storage, identity } = this.node;
    const value = encodeWhole(primitives, this.whole, identity.partitions);
    storage.apply({ meta: [{ name: wholeMetaName, value }] }, () => {});
  }

  #again(source: Source): void {
    this.#running.delete(source);
    if (this.#stopped) return;
    this.#later.push(source);
    this.#retry ??= this.node.clock.after(RETRY_MS, () => {
      this.#retry = undefined;
      this.#queue.push(...this.#later.splice(0));
      this.#start();
    });
  }
}
