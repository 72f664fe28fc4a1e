/**
 * How partitions change hands, as one part of a node (DESIGN §3): the records in force, who advances them, what is merged and what is dropped, and how
 * all of it is told.
 */
import type { KeyId } from "../base/key-id.js";
import type { Owed } from "./debt-report.js";
import { authorOf, isOpen, isSameList } from "../ring/owners-record.js";
import type { TransferView } from "./api.js";
import { Checkpoints } from "./checkpoints.js";
import type { NodeContext } from "./context.js";
import { Hearing } from "./hearing.js";
import type { OwnersTable } from "./owners-table.js";
import { Placements, type Placement } from "./placement.js";
import { RingChanges } from "./ring-changes.js";
import { Sweeper } from "./sweeper.js";
import { Transfers } from "./transfers.js";

export interface HandoverOptions {
  readonly node: NodeContext;
  readonly table: OwnersTable;
  readonly whole: Set<number>;
  readonly checkpoints: Checkpoints;
  /** A copy of a foreign partition that must stay: a hint names it. */
  readonly isKept: (key: KeyId) => boolean;
  /** Some partitions have other owners now. */
  readonly onPlacements: () => void;
  /** What this node has still to do of its own accord, or how its records look, is another. */
  readonly onProgress: () => void;
}

export class Handover {
  readonly table: OwnersTable;
  readonly transfers: Transfers;
  readonly hearing: Hearing;
  readonly #changes: RingChanges;
  readonly #sweeper: Sweeper;
  readonly #placements: Placements;
  readonly #options: HandoverOptions;
  #started = false;

  constructor(options: HandoverOptions) {
    const { node, table, whole, checkpoints, onProgress } = options;
    this.#options = options;
    this.table = table;
    this.#placements = new Placements(table, (name) => node.membership.roster.isMember(name));
    this.transfers = new Transfers({
      ...{ node, table, whole, checkpoints, onProgress },
      onConfirmed: (partition) => this.#confirmed(partition),
    });
    this.hearing = new Hearing(node, table, this.transfers);
    this.#changes = new RingChanges(node, table, this.transfers);
    this.#sweeper = new Sweeper(node, options.isKept);
    table.onChange = (partitions) => this.#recordsChanged(partitions);
  }

  placement(partition: number): Placement {
    return this.#placements.of(partition);
  }

  /** Takes up what the records and the ring say now; from the start on, and whenever the ring is another. */
  ringChanged(): void {
    this.#started = true;
    this.#placements.membersChanged();
    this.#changes.ringChanged();
    this.#apply(Array.from({ length: this.#options.node.identity.partitions }, (_, partition) => partition));
  }

  /** A member says what it has seen. */
  heard: RingChanges["hear"] = (instance, said) => this.#changes.hear(instance, said);

  /** Partitions of others whose copies here still have to go. */
  get partitionsToSweep(): number {
    return this.#sweeper.pending;
  }

  /** Partitions that are on their way to other owners, or are to be. */
  get partitionsChanging(): number {
    const { node } = this.#options;
    let count = 0;
    for (let partition = 0; partition < node.identity.partitions; partition++) {
      const { phase, to } = this.table.record(partition);
      if (phase !== 3 || !isSameList(to, node.ring.owners(partition))) count++;
    }
    return count;
  }

  /** This node holds nothing that is its own: it may go. */
  get isEmpty(): boolean {
    const { node } = this.#options;
    for (let partition = 0; partition < node.identity.partitions; partition++) {
      const record = this.table.record(partition);
      if (isOpen(record) || record.to.includes(node.self)) return false;
    }
    return true;
  }

  views(): readonly TransferView[] {
    return this.transfers.transfers();
  }

  owed(nothing: Owed): Owed {
    return { ...nothing, oldestTransferMs: this.transfers.oldestSinceMs ?? 0 };
  }

  stop(): void {
    this.transfers.stop();
    this.hearing.stop();
    this.#changes.stop();
    this.#sweeper.stop();
  }

  #recordsChanged(partitions: readonly number[]): void {
    if (!this.#started) return;
    this.#changes.recordsChanged(partitions);
    this.#apply(partitions);
  }

  #apply(partitions: readonly number[]): void {
    this.transfers.placementsChanged(partitions);
    this.#sweeper.placementsChanged(partitions);
    this.#options.onPlacements();
  }

  #confirmed(partition: number): void {
    const { node } = this.#options;
    const author = authorOf(this.table.record(partition), node.ring.owners(partition), (name) =>
      node.membership.roster.isMember(name),
    );
    if (author === node.self) this.#changes.recordsChanged([partition]);
    else if (author !== undefined) this.hearing.confirmed(partition, author);
  }
}
