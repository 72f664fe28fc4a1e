/** What the parts of a node share: the ports, the rooms' live objects, and the few ways to reach another member. */
import type { Tides } from "../replication/tides.js";
import type { Stamp } from "../base/hlc.js";
import type { KeyId } from "../base/key-id.js";
import type { Primitives } from "../base/primitives.js";
import type { Rng } from "../base/rng.js";
import type { Forest } from "../merkle/forest.js";
import type { Clock } from "../ports/clock.js";
import type { Storage } from "../ports/storage.js";
import type { Ring } from "../ring/ring.js";
import type { Message } from "../wire/messages.js";
import type { Actors } from "./actors.js";
import type { ConflictMode } from "../versions/key-state.js";
import type { BucketConfig } from "./api.js";
import type { Budget } from "./budget.js";
import type { CallDone } from "./calls.js";
import type { Deadlines } from "./deadlines.js";
import type { Hearing } from "./hearing.js";
import type { Identity } from "./identity.js";
import type { Hints } from "./hints.js";
import type { Holdings } from "./holdings.js";
import type { Membership } from "./membership.js";
import type { RepairWaits } from "./repair-waits.js";
import type { Replica } from "./replica.js";
import type { OwnersTable } from "./owners-table.js";
import type { Placement } from "./placement.js";
import type { Plant } from "./plants.js";
import type { NodeSettings } from "./settings.js";
import type { States } from "./states.js";
import type { TreeKeeper } from "./tree-keeper.js";

/** Words for the log: what happened, with what it is about. The runtime decides where they go. */
export type Log = (level: "info" | "warn" | "error", event: string, about?: Readonly<Record<string, unknown>>) => void;

export interface NodeContext {
  readonly self: string;
  readonly identity: Identity;
  readonly settings: NodeSettings;
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  readonly plants: ReadonlySet<Plant>;
  readonly storage: Storage;
  readonly deadlines: Deadlines;
  /** For all work that no client waits for. */
  readonly budget: Budget;
  readonly actors: Actors;
  readonly states: States;
  readonly holdings: Holdings;
  readonly forest: Forest;
  readonly trees: TreeKeeper;
  readonly replica: Replica;
  readonly membership: Membership;
  readonly repairWaits: RepairWaits;
  /** What is kept here for owners that missed it. */
  readonly hints: Hints;
  /** What is under way with states of keys in it: whoever holds one and may yet send or keep it enters, and leaves when it is done. */
  readonly tides: Tides;

  readonly ring: Ring;
  /** The records that say who holds what now, and how this node comes to know newer ones. */
  readonly owners: OwnersTable;
  readonly hearing: Hearing;
  keyOfId(id: Uint8Array): KeyId;
  /** Who holds the partition now: the owners in force, which need not be the ring's yet. */
  placement(partition: number): Placement;
  /** This node is one of those that hold the partition now. */
  ownsPartition(partition: number): boolean;
  /** This instance owns the partition and has not merged it from every other owner yet. */
  isInDoubt(partition: number): boolean;
  bucketConfig(bucket: string): BucketConfig;
  modeOf(id: Uint8Array): ConflictMode;
  /** Seconds that values of the key's bucket stay by default; undefined: for ever. */
  ttlOf(id: Uint8Array): number | undefined;
  seemsAlive(name: string): boolean;
  /** A stamp above `floor` and all earlier ones; undefined when this node's clock is not one to stamp with (TRAPS 29). */
  stamp(floor?: Stamp): Stamp | undefined;

  /** Asks another member; `done` gets its reply, or the word that none comes. Returns what `abandon` takes, or 0 when `done` was called already. */
  ask(name: string, message: Message, deadlineMs: number, done: CallDone): number;
  abandon(requestId: number): void;
  /** Says something to another member without waiting for anything; false when it did not leave. */
  tell(name: string, message: Message): boolean;
  /** Gives a member (this node too) what it lacks, without waiting. */
  repair(name: string, key: KeyId, body: Uint8Array, whole: boolean): void;
}
