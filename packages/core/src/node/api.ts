/** What the doors (HTTP, the peer protocol, embedding) can ask of a node. Answers come by callback, at most once each. */
import type { Outcome } from "../base/failure.js";
import type { KeyId } from "../base/key-id.js";
import type { QuorumArg } from "../base/quorum-arg.js";
import type { Moves } from "../ring/moves.js";
import type { RiskView } from "../replication/risk.js";
import type { ConflictMode } from "../versions/key-state.js";
import type { GetCommand, Got, OperationTag, PutCommand, PutDone } from "../wire/messages.js";

import type { MemberHealth } from "./member-health.js";

export type Reply<T> = (outcome: Outcome<T>) => void;

export interface BucketConfig {
  readonly n: number;
  readonly r: QuorumArg;
  readonly w: QuorumArg;
  readonly conflicts: ConflictMode;
  /** Seconds that a value stays unless its write says otherwise; not there where values stay. */
  readonly ttl?: number | undefined;
}

/** What is left out stays as it is; a `ttl` of null takes the default away. */
export type BucketChange = Partial<Omit<BucketConfig, "n" | "ttl">> & { readonly ttl?: number | null };

export type MemberStatus = "up" | "suspect" | "down" | "joining" | "leaving";

export interface MemberView extends MemberHealth {
  readonly name: string;
  /** `host:port` of the peer door. */
  readonly address: string;
  /** `host:port` of the HTTP door. */
  readonly http: string;
  readonly zone: string;
  readonly status: MemberStatus;
  /** Share of all replica places, 0 to 1. */
  readonly ownership: number;
  /** Hints that this member holds for others. */
  readonly hints: number;
}

/** What the answering node keeps for others. */
export interface HintsView {
  readonly count: number;
  /** Of the states that they name. */
  readonly bytes: number;
  /** When the oldest was taken, in milliseconds since the epoch; null where there is none. */
  readonly oldest: number | null;
}

export interface TransferView {
  readonly partition: number;
  readonly from: string;
  readonly to: string;
  readonly done: number;
  readonly total: number;
}

export interface ClusterView {
  /** 16 hex digits. */
  readonly cluster: string;
  readonly node: string;
  readonly partitions: number;
  readonly replicas: number;
  readonly settled: boolean;
  /** Fewer members than replicas wanted. */
  readonly underReplicated: boolean;
  readonly members: readonly MemberView[];
  readonly transfers: readonly TransferView[];
  readonly hints: HintsView;
  /** Of the node that answers. */
  readonly tombstones: TombstonesView;
}

export interface OldestTombstone {
  readonly bucket: string;
  readonly key: string;
  /** When it was written: milliseconds since the epoch. */
  readonly since: number;
  /** What it waits for, in words for people. */
  readonly why: string;
}

/** Tombstones and expired values that a node holds as an owner until they can be reaped. */
export interface TombstonesView {
  readonly count: number;
  /** Since the node was started. */
  readonly reaped: number;
  /** Of those that this node is to reap; null where it knows of none. */
  readonly oldest: OldestTombstone | null;
}

export type { RiskView } from "../replication/risk.js";

export interface RingView {
  readonly version: string;
  readonly partitions: readonly { readonly partition: number; readonly owners: readonly string[] }[];
}

export interface PlaceView {
  readonly partition: number;
  readonly preferenceList: readonly string[];
  readonly fallbacks: readonly string[];
}

export interface ReplicaView {
  readonly node: string;
  readonly role: "primary" | "fallback";
  readonly status: MemberStatus;
  readonly reply: "ok" | "not-found" | "timeout" | "error";
  /** 16 hex digits; null without a state. */
  readonly digest: string | null;
  readonly siblings: readonly { readonly dot: string; readonly timestamp: number; readonly deleted: boolean }[];
}

export interface Explanation {
  readonly partition: number;
  readonly preferenceList: readonly string[];
  readonly coordinator: string;
  readonly replicas: readonly ReplicaView[];
  readonly agree: boolean;
}

export interface KeyPage {
  readonly keys: readonly string[];
  readonly cursor: string | null;
}

export interface ConflictPage {
  readonly conflicts: readonly {
    readonly bucket: string;
    readonly key: string;
    readonly siblings: number;
    /** Milliseconds since the epoch. */
    readonly since: number;
  }[];
  readonly cursor: string | null;
  readonly total: number;
}

export interface DigestsView {
  readonly partitions: Readonly<Record<string, string>>;
}

/** Anti-entropy as one member tells of it; all counts since its start. */
export interface RepairMemberView {
  readonly node: string;
  /** It answered; if not, everything else is empty. */
  readonly reached: boolean;
  /** It was asked to compare with all others, and is not done with them. */
  readonly running: boolean;
  /** Exchanges that it began and that came to their end. */
  readonly exchanges: number;
  /** Keys whose state here became another one by an exchange. */
  readonly keysRepaired: number;
  readonly bytesSent: number;
  /** Milliseconds since the epoch: when it was last done with what it had been asked for. */
  readonly finishedAt: number | null;
  /** Members that it is done with, of so many. */
  readonly done: number;
  readonly total: number;
}

/** The sums over the members that answered. */
export interface RepairView extends Omit<RepairMemberView, "node" | "reached"> {
  readonly members: readonly RepairMemberView[];
}

/** A change of the membership, to be looked at before it is made. */
export type MemberChange =
  | { readonly change: "join"; readonly name: string; readonly zone: string; readonly weight: number }
  | { readonly change: "leave" | "remove"; readonly name: string };

/** What a change moves. */
export interface ChangeView extends Moves {
  readonly change: MemberChange["change"];
  readonly name: string;
  /** Milliseconds, as long as clients leave the time for it. */
  readonly expectedMs: number;
  /** Members that did not say how much they hold: where only they hold a partition, it counts as empty. */
  readonly unreached: readonly string[];
}

export interface RemovalView extends ChangeView {
  /** Keys with fewer than N replicas until they have been copied. */
  readonly keysBelowN: number;
  /** Partitions of which too few owners can be reached now to be sure of everything that was acknowledged. */
  readonly partitionsAtRisk: number;
}

/** Plain counters and gauges, read by the metrics page. */
export interface NodeStats {
  readonly readRepairs: number;
  readonly antiEntropyBytesSent: number;
  readonly antiEntropyKeysRepaired: number;
  /** Damaged records that are whole again, and those of which no other owner had anything. */
  readonly healedRecords: number;
  readonly lostRecords: number;
  /** Hash trees that were found to be another than what the store holds, and were built anew. */
  readonly treeMismatches: number;
  readonly gossipBytesSent: number;
  readonly damagedRecords: number;
  /** Records that the scrub has read since the start. */
  readonly scrubbedRecords: number;
  readonly divergentStates: number;
  readonly siblingWarnings: number;
  readonly retiredActors: number;
  readonly conflicts: number;
  readonly liveKeys: number;
  readonly transferKeys: number;
  readonly requestsInFlight: number;
  /** Milliseconds for which the disk has stood still with something waiting for it. */
  readonly diskStalledMs: number;
  readonly hintsPending: number;
  /** Bytes of the states that hints name. */
  readonly hintBytes: number;
  /** Milliseconds since the oldest hint was taken; 0 where there is none. */
  readonly oldestHintAgeMs: number;
  /** Hints that an owner confirmed. */
  readonly hintsReplayed: number;
  /** Hints that found no room, and those whose state was lost here by damage. */
  readonly hintsRefused: number;
  readonly hintsLost: number;
  /** Dead records that this node holds as an owner, and those that it has removed by proof. */
  readonly tombstones: number;
  readonly tombstonesReaped: number;
  /** Milliseconds since the epoch; 0 without one. */
  readonly oldestTombstoneMs: number;
}

export interface NodeApi {
  /** The address of a key; names must have been checked (base/names.ts). */
  keyOf(bucket: string, key: string): KeyId;
  /** The tag of an idempotent write. `attempt` 1 says that no earlier attempt was made; undefined that there may have been one. */
  operationOf(idempotencyKey: string, write: Omit<PutCommand, "operation" | "kind">, attempt?: number): OperationTag;

  /** Coordinates a read, or passes it to a node that can (Dynamo §4.5). Fails as data, never by throwing. */
  get(command: GetCommand, timeoutMs: number, reply: Reply<Got>): void;
  /** Coordinates a write or a delete. */
  put(command: PutCommand, timeoutMs: number, reply: Reply<PutDone>): void;

  /** Keys of a bucket over the whole cluster; `cursor` is an earlier page's. */
  listKeys(
    query: { readonly bucket: string; readonly prefix: string; readonly limit: number; readonly cursor?: string },
    timeoutMs: number,
    reply: Reply<KeyPage>,
  ): void;
  listConflicts(
    query: { readonly bucket?: string; readonly limit: number; readonly cursor?: string },
    timeoutMs: number,
    reply: Reply<ConflictPage>,
  ): void;
  /** Names of all buckets that are configured or hold a key. */
  listBuckets(timeoutMs: number, reply: Reply<readonly { readonly name: string; readonly keys: number }[]>): void;
  bucketConfig(bucket: string): BucketConfig;
  /** Durable here when it answers; gossip brings it to the others. */
  setBucketConfig(bucket: string, config: BucketChange, reply: Reply<BucketConfig>): void;

  /** Asks every replica for what it holds and repairs nothing. */
  explain(id: Uint8Array, timeoutMs: number, reply: Reply<Explanation>): void;
  place(id: Uint8Array): PlaceView;
  ringView(): RingView;
  /** The root of each hash tree that this node has: by partition, as 16 hex digits. */
  digests(): DigestsView;
  /** Tells every member to compare its hash trees with the other owners' now; answers how far each is. */
  repair(reply: Reply<RepairView>): void;
  repairStatus(reply: Reply<RepairView>): void;
  cluster(): ClusterView;
  /** What could be lost right now, over the whole cluster. */
  risk(timeoutMs: number, reply: Reply<RiskView>): void;
  /** What a change of the membership would move; nothing is changed. */
  planChange(change: MemberChange, reply: Reply<ChangeView>): void;
  /** Asks a member to leave: what it holds is moved first. */
  leave(name: string, reply: Reply<ChangeView>): void;
  /** Removes a member that is down, or with `force` any. */
  remove(name: string, force: boolean, reply: Reply<RemovalView>): void;
  /** A member of a settled enough ring that takes requests. */
  ready(): boolean;
  stats(): NodeStats;
}
