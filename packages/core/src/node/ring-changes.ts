/**
 * Advances the records of partitions that change hands, where this node is the one that may (DESIGN §3): tells every member the record, waits until
 * all have it on their disks and the new owners have confirmed, and writes the next. What follows from what is ring/owners-step.ts.
 */
import { limits } from "../base/limits.js";
import { authorOf, isOpen, type IsMember, type PlacedRecord } from "../ring/owners-record.js";
import { stepAfter, type Step } from "../ring/owners-step.js";
import type { Message, MessageOf } from "../wire/messages.js";
import type { NoReply } from "./calls.js";
import type { NodeContext } from "./context.js";
import { decodeRecords, encodeRecords } from "./hearing.js";
import type { OwnersTable } from "./owners-table.js";
import type { Transfers } from "./transfers.js";

const RETRY_MS = 200;
const ANSWER_TIMEOUT_MS = 2_000;
/** How often a new owner that says nothing is asked whether it has confirmed. */
const ASK_AGAIN_MS = 1_000;
const RECORDS_AT_ONCE = 256;

/** What is known of the members' word on one record: by instance, since a name's new instance has seen nothing. */
interface Word {
  readonly epoch: number;
  readonly seen: Set<number>;
  readonly confirmed: Set<number>;
}

export class RingChanges {
  /** Partitions that this node may have to advance, or whose record not everybody is known to have. */
  readonly #open = new Set<number>();
  /** Partitions whose next record is on its way to the disk. */
  readonly #writing = new Set<number>();
  readonly #words = new Map<number, Word>();
  /** Members with a question under way. */
  readonly #asking = new Set<string>();
  /** By member: when it was last told to begin with a record. */
  readonly #begun = new Map<string, Map<number, { readonly epoch: number; readonly atMs: number }>>();
  #ringVersion = "";
  #scheduled = false;
  #retry: (() => void) | undefined;
  #stopped = false;

  constructor(
    readonly node: NodeContext,
    readonly table: OwnersTable,
    readonly transfers: Transfers,
  ) {}

  /** The membership log is another: every member's word on the old one counts no more, and any partition may have to move. */
  ringChanged(): void {
    const { ring } = this.node;
    if (ring.version !== this.#ringVersion) for (const word of this.#words.values()) word.seen.clear();
    this.#ringVersion = ring.version;
    for (let partition = 0; partition < ring.partitions; partition++) this.#open.add(partition);
    this.#schedule();
  }

  recordsChanged(partitions: Iterable<number>): void {
    for (const partition of partitions) this.#open.add(partition);
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#retry?.();
  }

  /** What a member has seen and confirmed, in answer to what it was told or unasked. */
  hear(instance: number, said: MessageOf<"owners-seen">): void {
    const isOfThisRing = said.ring === this.node.ring.version;
    for (const { partition, epoch, confirmed } of said.seen) {
      const record = this.table.record(partition);
      if (epoch !== record.epoch) continue;
      const word = this.#wordOn(partition, epoch);
      if (isOfThisRing) word.seen.add(instance);
      if (confirmed) word.confirmed.add(instance);
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    this.node.clock.after(0, () => {
      this.#scheduled = false;
      if (!this.#stopped) this.#run();
    });
  }

  #run(): void {
    const next: PlacedRecord[] = [];
    const toTell = new Map<string, { readonly placed: PlacedRecord; readonly begin: boolean }[]>();
    let opened = this.#countOpen();
    const stepOf = this.#steps();
    for (const partition of this.#open) {
      if (this.#writing.has(partition)) continue;
      const record = this.table.record(partition);
      const step = stepOf(partition);
      if (step === undefined || step.kind === "none") {
        this.#open.delete(partition);
      } else if (step.kind === "go") {
        // So many at a time: while a partition is open, its writes go to two sets of owners.
        const opens = isOpen(step.record) && !isOpen(record);
        if (opens && ++opened > limits.partitionsChangingMax) continue;
        next.push({ partition, record: step.record });
      } else {
        const begin = step.kind === "unconfirmed";
        for (const name of step.by) {
          const told = toTell.get(name) ?? [];
          toTell.set(name, told);
          // It is told the rest once it has answered.
          if (this.#asking.has(name)) continue;
          if (!begin || this.#isDue(name, partition, record.epoch)) told.push({ placed: { partition, record }, begin });
        }
      }
    }
    if (next.length > 0) this.#write(next);
    for (const [name, told] of toTell) this.#tell(name, told);
    if (toTell.size > 0) this.#runLater();
  }

  #countOpen(): number {
    let count = 0;
    for (const partition of this.#open) if (isOpen(this.table.record(partition))) count++;
    return count;
  }

  /** The next step of a partition; undefined where another member is the one to take it. Good as long as the ring is this one. */
  #steps(): (partition: number) => Step | undefined {
    const { node, table, transfers } = this;
    const { ring, self } = node;
    const members = ring.members.map(({ name }) => name);
    const instances = new Map(ring.members.map(({ name, instance }) => [name, instance]));
    const isMember: IsMember = (name) => instances.has(name);
    const instanceOf = (name: string): number => instances.get(name) ?? -1;
    return (partition) => {
      const record = table.record(partition);
      const target = ring.owners(partition);
      if (authorOf(record, target, isMember) !== self) return undefined;
      const word = this.#wordOn(partition, record.epoch);
      return stepAfter(record, {
        members,
        target,
        hasSeen: (name) => name === self || word.seen.has(instanceOf(name)),
        hasConfirmed: (name) =>
          name === self ? transfers.hasConfirmed(partition, record.epoch) : word.confirmed.has(instanceOf(name)),
      });
    };
  }

  #wordOn(partition: number, epoch: number): Word {
    const known = this.#words.get(partition);
    if (known?.epoch === epoch) return known;
    const word: Word = { epoch, seen: new Set(), confirmed: new Set() };
    this.#words.set(partition, word);
    return word;
  }

  #write(next: readonly PlacedRecord[]): void {
    for (const { partition } of next) this.#writing.add(partition);
    this.table.take(next, (kept) => {
      for (const { partition } of next) this.#writing.delete(partition);
      if (kept) this.#schedule();
      else this.#runLater();
    });
  }

  #tell(name: string, told: readonly { readonly placed: PlacedRecord; readonly begin: boolean }[]): void {
    const { node } = this;
    if (name === node.self) {
      for (const { placed, begin } of told) if (begin) this.transfers.begin(placed.partition, placed.record.epoch);
      return;
    }
    const instance = node.membership.roster.instanceOf(name);
    if (told.length === 0 || this.#asking.has(name) || instance === undefined) return;
    const now = told.slice(0, RECORDS_AT_ONCE);
    const begin = now.filter((each) => each.begin).map(({ placed }) => placed.partition);
    const message: MessageOf<"owners"> = {
      kind: "owners",
      ring: node.ring.version,
      records: encodeRecords(
        node,
        now.map(({ placed }) => placed),
      ),
      begin,
    };
    this.#asking.add(name);
    this.#ask(name, message, (reply) => {
      this.#asking.delete(name);
      if (this.#stopped) return;
      if (reply.kind !== "owners-seen") return this.#runLater();
      for (const { placed, begin: isBegun } of now) if (isBegun) this.#note(name, placed);
      const newer = decodeRecords(node, reply.newer);
      if (newer.length > 0) this.table.take(newer, () => this.#schedule());
      if (reply.ring !== node.ring.version) return this.#runLater();
      this.hear(instance, reply);
    });
  }

  #ask(name: string, message: MessageOf<"owners">, done: (reply: Message | NoReply) => void): void {
    const { node } = this;
    let requestId = 0;
    const deadline = node.deadlines.at(node.clock.monotonicMs() + ANSWER_TIMEOUT_MS, () => {
      node.abandon(requestId);
      done({ kind: "lost" });
    });
    requestId = node.ask(name, message, ANSWER_TIMEOUT_MS, (reply) => {
      deadline.cancel();
      done(reply);
    });
  }

  #note(name: string, { partition, record }: PlacedRecord): void {
    const begun = this.#begun.get(name) ?? new Map<number, { epoch: number; atMs: number }>();
    begun.set(partition, { epoch: record.epoch, atMs: this.node.clock.monotonicMs() });
    this.#begun.set(name, begun);
  }

  #isDue(name: string, partition: number, epoch: number): boolean {
    const begun = this.#begun.get(name)?.get(partition);
    return begun?.epoch !== epoch || this.node.clock.monotonicMs() - begun.atMs >= ASK_AGAIN_MS;
  }

  #runLater(): void {
    if (this.#stopped) return;
    this.#retry ??= this.node.clock.after(RETRY_MS, () => {
      this.#retry = undefined;
      this.#run();
    });
  }
}
