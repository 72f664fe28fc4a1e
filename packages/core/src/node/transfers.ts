/**
 * What this node merges from others: partitions that it is to own (DESIGN §3: it confirms them to who advances their record), and partitions that
 * it owns and may have lost parts of (a wiped disk, unreadable records: in doubt until merged from every other owner). Each pair of partition
 * and source leaves checkpoints, so that a crash goes on where it stopped.
 */
import type { MetaWrite } from "../ports/storage.js";
import { sourcesOf } from "../ring/owners-step.js";
import type { TransferView } from "./api.js";
import { Checkpoints, ENDED } from "./checkpoints.js";
import type { NodeContext } from "./context.js";
import type { OwnersTable } from "./owners-table.js";
import { TransferSource } from "./transfer-source.js";
import { encodeWhole } from "./whole.js";

const SOURCES_AT_ONCE = 8;
const RETRY_MS = 500;
/** Partitions that became whole are written down together: after so many, and after the last. */
const WHOLE_AT_ONCE = 16;

/** A partition to be merged, and from whom it still has to be. */
interface Want {
  readonly partition: number;
  /** The record that asks for it; 0 where nothing does but the doubt. */
  readonly epoch: number;
  /** It is read from here already, and this node can't tell what it lacks. */
  readonly inDoubt: boolean;
  readonly missing: Map<string, TransferSource>;
  readonly sinceMs: number;
}

export interface TransfersOptions {
  readonly node: NodeContext;
  readonly table: OwnersTable;
  readonly whole: Set<number>;
  readonly checkpoints: Checkpoints;
  /** A partition became whole, or one was confirmed. */
  readonly onProgress: () => void;
  /** This node confirms the record of that epoch. */
  readonly onConfirmed: (partition: number, epoch: number) => void;
}

export class Transfers {
  readonly #options: TransfersOptions;
  readonly #wants = new Map<number, Want>();
  /** By partition the epoch whose sources were all merged. */
  readonly #confirmed = new Map<number, number>();
  readonly #queue: TransferSource[] = [];
  readonly #running = new Set<TransferSource>();
  /** The partitions of those. */
  readonly #busy = new Set<number>();
  /** Sources that gave no answer: to be asked again after a while. */
  readonly #later: TransferSource[] = [];
  #retry: (() => void) | undefined;
  #stopped = false;
  #keysReceived = 0;

  constructor(options: TransfersOptions) {
    this.#options = options;
  }

  /** Partitions that are owned here, read from here, and not whole. */
  get partitionsInDoubt(): number {
    let count = 0;
    for (const { inDoubt } of this.#wants.values()) if (inDoubt) count++;
    return count;
  }

  /** Anything under way, confirmations for a change of owners included. */
  get open(): number {
    return this.#wants.size;
  }

  /** States that came from other members by transfers. */
  get keysReceived(): number {
    let received = this.#keysReceived;
    for (const { keysMoved } of this.#running) received += keysMoved;
    return received;
  }

  get oldestSinceMs(): number | undefined {
    let oldest: number | undefined;
    for (const { sinceMs } of this.#wants.values()) oldest = Math.min(oldest ?? sinceMs, sinceMs);
    return oldest;
  }

  /** This node's silence about a key of the partition is a proof. */
  isWhole(partition: number): boolean {
    return this.#options.whole.has(partition);
  }

  transfers(): readonly TransferView[] {
    const { self } = this.#options.node;
    return [...this.#wants.values()].flatMap(({ partition, missing }) =>
      [...missing.values()].map(({ from, done, total }) => ({ partition, from, to: self, done, total })),
    );
  }

  /** Compares what this node owns now with what it has whole, and starts on what is in doubt. */
  placementsChanged(partitions: Iterable<number>): void {
    const { node, whole } = this.#options;
    let lost = false;
    for (const partition of partitions) {
      if (!node.ownsPartition(partition)) {
        lost = whole.delete(partition) || lost;
        this.#confirmed.delete(partition);
        this.#unwant(partition);
      } else {
        this.#reconsider(partition);
      }
    }
    if (lost) this.#keepWhole();
    this.#start();
    this.#options.onProgress();
  }

  /** Anything of the partition may be lost here: nothing is proven until it was merged from the others again. */
  doubt(partition: number): void {
    const { node, whole } = this.#options;
    if (!node.ownsPartition(partition)) return;
    whole.delete(partition);
    this.#confirmed.delete(partition);
    this.#unwant(partition);
    this.#keepWhole();
    this.placementsChanged([partition]);
  }

  /** Every member has seen the record that makes this node a new owner: whatever is merged from now on misses nothing of before. */
  begin(partition: number, epoch: number): void {
    const record = this.#options.table.record(partition);
    if (record.epoch !== epoch || record.phase !== 1 || this.hasConfirmed(partition, epoch)) return;
    if (this.#wants.get(partition)?.epoch === epoch) return;
    const { node, whole } = this.#options;
    const inDoubt = record.from.includes(node.self) && !whole.has(partition);
    const sources = sourcesOf(record, node.self, (name) => node.membership.roster.isMember(name));
    this.#unwant(partition, epoch);
    if (node.plants.has("serves-before-data")) return this.#want(partition, epoch, [], inDoubt);
    this.#want(partition, epoch, inDoubt ? this.#others(partition) : sources, inDoubt);
    this.#start();
  }

  hasConfirmed(partition: number, epoch: number): boolean {
    const record = this.#options.table.record(partition);
    if (record.epoch !== epoch || record.phase !== 1) return false;
    // One that was no owner before is whole only by having merged for this very record: it was not while it was no owner.
    const isNew = !record.from.includes(this.#options.node.self);
    return isNew ? this.#options.whole.has(partition) : this.#confirmed.get(partition) === epoch;
  }

  stop(): void {
    this.#stopped = true;
    this.#retry?.();
    for (const source of this.#running) source.stop();
  }

  /** What a partition that is owned here needs now: what is being read from here and is not whole, from every other owner. */
  #reconsider(partition: number): void {
    const { node, table, whole } = this.#options;
    const record = table.record(partition);
    const want = this.#wants.get(partition);
    const { membership, self } = node;
    if (record.phase === 1 && !record.from.includes(self)) {
      // A new owner waits for the word to begin; of one that began, sources that were removed have nothing to give any more.
      if (want !== undefined && want.epoch !== record.epoch) this.#unwant(partition);
      this.#narrow(partition, (name) => membership.roster.isMember(name));
    } else if (!whole.has(partition)) {
      const others = this.#others(partition);
      if (want === undefined || (want.epoch !== 0 && want.epoch !== record.epoch)) {
        this.#unwant(partition, 0);
        this.#want(partition, 0, others, true);
        return;
      }
      for (const name of others) if (!want.missing.has(name)) this.#addSource(want, name);
      this.#narrow(partition, (name) => others.includes(name));
    } else if (want !== undefined) {
      if (want.epoch !== record.epoch) this.#unwant(partition);
      else this.#narrow(partition, (name) => membership.roster.isMember(name));
    }
  }

  #others(partition: number): readonly string[] {
    const { node } = this.#options;
    return node.placement(partition).all.filter((name) => name !== node.self);
  }

  #want(partition: number, epoch: number, sources: readonly string[], inDoubt: boolean): void {
    const sinceMs = this.#options.node.clock.wallMs();
    const want: Want = { partition, epoch, inDoubt, missing: new Map(), sinceMs };
    this.#wants.set(partition, want);
    for (const from of sources) this.#addSource(want, from);
    if (want.missing.size === 0) this.#merged(want);
  }

  #addSource(want: Want, from: string): void {
    const { node, checkpoints } = this.#options;
    const { partition, epoch } = want;
    const fromHash = checkpoints.get({ partition, epoch, from });
    if (fromHash === ENDED) return;
    const onPage = (source: TransferSource): void =>
      checkpoints.keep({ partition, epoch, from, fromHash: source.fromHash });
    const onEnd = (source: TransferSource, merged: boolean): void => this.#ended(want, source, merged);
    const source = new TransferSource(node, partition, from, fromHash, onPage, onEnd);
    want.missing.set(from, source);
    this.#queue.push(source);
  }

  /** Sources that do not count any more are not waited for. */
  #narrow(partition: number, counts: (name: string) => boolean): void {
    const want = this.#wants.get(partition);
    if (want === undefined) return;
    for (const [name, source] of want.missing) {
      if (counts(name)) continue;
      this.#settle(source);
      want.missing.delete(name);
    }
    if (want.missing.size === 0) this.#merged(want);
  }

  #unwant(partition: number, except?: number): void {
    const want = this.#wants.get(partition);
    for (const source of want?.missing.values() ?? []) this.#settle(source);
    this.#wants.delete(partition);
    this.#options.checkpoints.forget(partition, except);
  }

  /** It ends here, one way or the other. */
  #settle(source: TransferSource): void {
    source.stop();
    if (!this.#running.delete(source)) return;
    this.#busy.delete(source.partition);
    this.#keysReceived += source.keysMoved;
  }

  #start(): void {
    while (!this.#stopped && this.#running.size < SOURCES_AT_ONCE) {
      // One source of a partition after the other: what the first one gave, the others need not send again.
      const at = this.#queue.findIndex(({ partition }) => !this.#busy.has(partition));
      const [next] = at < 0 ? [] : this.#queue.splice(at, 1);
      if (next === undefined) return;
      if (this.#wants.get(next.partition)?.missing.get(next.from) !== next) continue;
      this.#running.add(next);
      this.#busy.add(next.partition);
      next.run();
    }
  }

  #ended(want: Want, source: TransferSource, merged: boolean): void {
    this.#settle(source);
    const isWanted = want.missing.get(source.from) === source && this.#wants.get(want.partition) === want;
    if (isWanted && merged) {
      want.missing.delete(source.from);
      const { partition, epoch } = want;
      if (want.missing.size > 0)
        this.#options.checkpoints.keep({ partition, epoch, from: source.from, fromHash: ENDED });
      if (this.#options.node.plants.has("one-source-is-enough")) this.#narrow(partition, () => false);
      else if (want.missing.size === 0) this.#merged(want);
    } else if (isWanted) {
      this.#again(want, source);
    }
    this.#start();
  }

  /** From now on this node's silence about a key of the partition is a proof. */
  #merged({ partition, epoch }: Want): void {
    const { whole, checkpoints, onConfirmed, onProgress } = this.#options;
    this.#wants.delete(partition);
    const wasWhole = whole.has(partition);
    whole.add(partition);
    if (epoch > 0) this.#confirmed.set(partition, epoch);
    const forgotten = checkpoints.forgotten(partition);
    const confirm = (): void => {
      if (this.hasConfirmed(partition, epoch)) onConfirmed(partition, epoch);
      onProgress();
    };
    // Who confirms must still be whole after a restart: the word goes out when it is on disk.
    if (!wasWhole && (epoch > 0 || this.#wants.size === 0 || whole.size % WHOLE_AT_ONCE === 0))
      this.#keepWhole(forgotten, confirm);
    else confirm();
  }

  #keepWhole(more: readonly MetaWrite[] = [], done: () => void = () => {}): void {
    const { node, whole } = this.#options;
    const meta = [encodeWhole(node.primitives, whole, node.identity.partitions), ...more];
    node.storage.apply({ meta }, (error) => {
      if (error === undefined) return done();
      // Who waits for the word waits for room, too.
      if (error === "full") node.clock.after(RETRY_MS, () => void (this.#stopped || this.#keepWhole(more, done)));
    });
  }

  #again(want: Want, source: TransferSource): void {
    if (this.#stopped) return;
    const { partition, epoch } = want;
    const { from } = source;
    this.#options.checkpoints.keep({ partition, epoch, from, fromHash: source.fromHash });
    this.#addSource(want, from);
    const renewed = this.#queue.pop();
    if (renewed === undefined) return;
    renewed.done = source.done;
    this.#later.push(renewed);
    this.#retry ??= this.#options.node.clock.after(RETRY_MS, () => {
      this.#retry = undefined;
      this.#queue.push(...this.#later.splice(0));
      this.#start();
    });
  }
}
