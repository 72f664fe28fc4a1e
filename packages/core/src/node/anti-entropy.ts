/**
 * When this node compares its hash trees with whom (Dynamo §4.7): with every other owner of what it owns, at an interval, when asked to, and soon
 * after one was away. One exchange at a time; what an exchange is stands in exchange.ts.
 */
import { Writer } from "../base/bytes.js";
import { limits } from "../base/limits.js";
import type { Rng } from "../base/rng.js";
import { FRAME_HEADER_BYTES } from "../wire/frame.js";
import { encodeMessage } from "../wire/message-codecs.js";
import type { RepairStatus } from "../wire/exchange-messages.js";
import type { Message } from "../wire/messages.js";
import type { NodeContext } from "./context.js";
import { Exchange, type ExchangeResult } from "./exchange.js";
import { ExchangeDoor, type ExchangeQuestion } from "./exchange-door.js";

/** How often is looked whether somebody is back, and whether something is due. */
const LOOK_MS = 250;

/** What was asked for by hand: all other owners once. */
interface Run {
  readonly total: number;
  readonly left: Set<string>;
}

export class AntiEntropy {
  readonly #node: NodeContext;
  readonly #rng: Rng;
  readonly #writer: Writer;
  readonly #door: ExchangeDoor;
  /** Members to compare with, and from when on. */
  readonly #due = new Map<string, number>();
  readonly #tries = new Map<string, number>();
  /** Members that seemed dead at the last look. */
  readonly #away = new Set<string>();
  #current: Exchange | undefined;
  #run: Run | undefined;
  #nextRoundMs: number;
  #cancel: (() => void) | undefined;
  #stopped = false;
  /** Exchanges that came to their end, begun here. */
  exchanges = 0;
  keysRepaired = 0;
  bytesSent = 0;
  finishedAt = 0;
  /** By member, when on the monotonic clock an exchange with it last found nothing, or mended all that it found. */
  readonly comparedAtMs = new Map<string, number>();

  constructor(node: NodeContext, rng: Rng) {
    this.#node = node;
    this.#rng = rng;
    this.#writer = new Writer(node.primitives.text, 4096);
    this.#door = new ExchangeDoor({
      node,
      own: () => this.#current && { peer: this.#current.peer, isComparing: this.#current.isComparing },
      onRepaired: () => this.keysRepaired++,
    });
    this.#nextRoundMs = this.#laterMs();
  }

  start(): void {
    if (this.#node.settings.antiEntropy) this.#look();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
    this.#current?.stop();
  }

  /** Compares with all other owners that can be reached, once each, now. */
  repairNow(): void {
    const others = this.#others();
    if (this.#run === undefined) this.#run = { total: others.length, left: new Set(others) };
    for (const name of others) this.#due.set(name, 0);
    this.#endRun();
    this.#proceed();
    this.#lookAgain();
  }

  /** Is asked for by hand, and not done yet. */
  get isRunning(): boolean {
    return this.#run !== undefined;
  }

  get status(): RepairStatus {
    const { exchanges, keysRepaired, bytesSent, finishedAt } = this;
    const { total, left } = this.#run ?? { total: 0, left: new Set() };
    const running = this.isRunning;
    return {
      kind: "repair-status",
      running,
      exchanges,
      keysRepaired,
      bytesSent,
      finishedAt,
      done: total - left.size,
      total,
    };
  }

  /** Another owner's part of an exchange. */
  handle(request: ExchangeQuestion, from: string, answer: (message: Message) => void): void {
    if (this.#stopped) return;
    this.#door.handle(request, from, (reply) => {
      this.#count(reply);
      answer(reply);
    });
  }

  /** One look at who is due; the next one follows while there is something to look for. */
  #look(): void {
    const { settings, clock } = this.#node;
    this.#cancel = undefined;
    if (this.#stopped) return;
    if (settings.antiEntropy) {
      this.#seeWhoIsBack();
      if (clock.monotonicMs() >= this.#nextRoundMs) {
        this.#nextRoundMs = this.#laterMs();
        for (const name of this.#others()) this.#due.set(name, 0);
      }
    }
    this.#proceed();
    if (settings.antiEntropy || this.#due.size > 0) this.#lookAgain();
  }

  #lookAgain(): void {
    if (!this.#stopped) this.#cancel ??= this.#node.clock.after(LOOK_MS, () => this.#look());
  }

  #seeWhoIsBack(): void {
    const { clock, membership } = this.#node;
    for (const { name } of membership.roster.members()) {
      if (name === this.#node.self) continue;
      if (!this.#node.seemsAlive(name)) this.#away.add(name);
      else if (this.#away.delete(name)) this.#due.set(name, clock.monotonicMs() + limits.exchangeAfterReturnMs);
    }
  }

  #proceed(): void {
    if (this.#stopped || this.#current !== undefined || this.#door.isTaken) return;
    // Soon after a start some would be left out, and a run that was asked for would be over without them.
    if (this.#node.trees.lacksTrees) return;
    const now = this.#node.clock.monotonicMs();
    const ready = [...this.#due].filter(([, fromMs]) => fromMs <= now).map(([name]) => name);
    if (ready.length === 0) return;
    // Not all in one order: everybody would begin with the same member.
    const peer = this.#rng.pick(ready);
    this.#due.delete(peer);
    const exchange = new Exchange({
      node: this.#node,
      peer,
      onSend: (message) => this.#count(message),
      onRepaired: () => this.keysRepaired++,
      done: (result) => this.#ended(peer, result),
    });
    this.#current = exchange;
    exchange.start();
  }

  #ended(peer: string, result: ExchangeResult): void {
    const { log, clock } = this.#node;
    this.#current = undefined;
    const tries = (this.#tries.get(peer) ?? 0) + 1;
    const isOver = result.outcome === "same" || result.outcome === "mended";
    if (isOver) this.comparedAtMs.set(peer, clock.monotonicMs());
    if (!isOver && tries < limits.exchangeTriesMax && this.#node.seemsAlive(peer)) {
      this.#tries.set(peer, tries);
      this.#due.set(peer, clock.monotonicMs() + this.#rng.below(limits.exchangeRetryMs) + 1);
    } else {
      this.#tries.delete(peer);
      this.#run?.left.delete(peer);
      if (result.outcome !== "busy") this.exchanges++;
    }
    const { differing, repairedHere, outcome, why } = result;
    if (differing > 0) log("info", "exchange", { with: peer, outcome, differing, repairedHere, ...(why && { why }) });
    else if (outcome === "failed") log("warn", "exchange failed", { with: peer, why });
    this.#endRun();
    this.#proceed();
    if (this.#due.size > 0) this.#lookAgain();
  }

  /** Members that went meanwhile are not waited for. */
  #endRun(): void {
    const run = this.#run;
    if (run === undefined) return;
    for (const name of run.left) if (!this.#node.seemsAlive(name)) run.left.delete(name);
    if (run.left.size > 0) return;
    this.#run = undefined;
    this.finishedAt = Math.max(0, Math.floor(this.#node.clock.wallMs()));
  }

  /** The other owners of what this node owns, as far as they seem to live. */
  #others(): string[] {
    const { identity, self } = this.#node;
    const others = new Set<string>();
    for (let partition = 0; partition < identity.partitions; partition++) {
      const { all } = this.#node.placement(partition);
      if (all.includes(self)) for (const name of all) others.add(name);
    }
    others.delete(self);
    return [...others].filter((name) => this.#node.seemsAlive(name)).sort();
  }

  #laterMs(): number {
    const interval = this.#node.settings.antiEntropyIntervalMs;
    return this.#node.clock.monotonicMs() + interval * (0.75 + this.#rng.float() / 2);
  }

  #count(message: Message): void {
    this.#writer.reset();
    encodeMessage(this.#writer, message);
    this.bytesSent += FRAME_HEADER_BYTES + this.#writer.length;
  }
}
