/** Everything that nodes and clients say to each other, as types; message-codecs.ts gives each its bytes. */
import type { Failure } from "../base/failure.js";
import type { QuorumArg } from "../base/quorum-arg.js";
import type { ClientReply, ClientRequest } from "./client-messages.js";
import type { HintRequest } from "./hint-messages.js";
import type { ExchangeReply, ExchangeRequest } from "./exchange-messages.js";
import type { ByRecord, RingReply, RingRequest } from "./ring-messages.js";
import type { AskRisk, AskStart, ReapReply, ReapRequest, RiskSaid, StartSaid } from "./reap-messages.js";

/** A message under way. `deadlineMs` is what is left when it is sent: clocks of two machines need not agree. 0: no reply is awaited. */
export interface Envelope {
  readonly requestId: number;
  readonly deadlineMs: number;
  readonly message: Message;
}

/** The first frame of each side of a connection (wire/handshake.ts). A client's instance is 0 and its name free. */
export interface Hello {
  readonly kind: "hello";
  readonly role: "member" | "joiner" | "client";
  readonly name: string;
  readonly instance: number;
}

/** The last frame of a connection that was not taken. */
export interface Refused {
  readonly kind: "refused";
  readonly reason: string;
}

/** What a replica can say of a key. `unknown`: its record is damaged, or it has not merged the partition yet; never absence. */
export type ReplicaStatus = "state" | "absent" | "unknown";

/** Asks a replica for the whole state of a key. `id` is the UTF-8 of `bucket/key`. */
export interface Fetch extends ByRecord {
  readonly kind: "fetch";
  readonly id: Uint8Array;
}

export interface Fetched {
  readonly kind: "fetched";
  readonly status: ReplicaStatus;
  /** The encoded state: there with `state`, and with `unknown` when something is held all the same. */
  readonly body: Uint8Array | undefined;
  /** With `unknown`: the record itself may lack writes, not its whole partition. What is told, if anything, is all that is left of it there. */
  readonly isRemains?: boolean;
}

/** Asks a replica for the hash of its state alone. */
export interface Digest extends ByRecord {
  readonly kind: "digest";
  readonly id: Uint8Array;
}

export interface Digested {
  readonly kind: "digested";
  readonly status: ReplicaStatus;
  readonly digest: bigint;
}

/** Gives a replica a state to merge into its own and keep. */
export interface Store extends ByRecord {
  readonly kind: "store";
  readonly id: Uint8Array;
  readonly body: Uint8Array;
  /** The state was merged from every other owner: a record that was in doubt is whole with it. */
  readonly whole: boolean;
}

export interface Stored {
  readonly kind: "stored";
  /** `durable`: merged and flushed. `full`: no space. `failed`: the store failed. `refused`: this node does not own the key. */
  readonly status: "durable" | "full" | "failed" | "refused";
}

/** A read for a client, to the node that shall coordinate it. `hops`: 1 when another node passed it on. */
export interface GetCommand {
  readonly kind: "get";
  readonly id: Uint8Array;
  readonly r: QuorumArg | undefined;
  readonly sloppy: boolean;
  readonly local: boolean;
  readonly hops: number;
}

/** The answer: the merged state as it is stored, tombstones included, and a context that covers it. Empty body: never seen. */
export interface Got {
  readonly kind: "got";
  readonly body: Uint8Array;
  readonly context: Uint8Array;
  readonly needed: number;
  readonly received: number;
  readonly fallbacks: number;
}

/** Which write this is, so that a retry is the same one. */
export interface OperationTag {
  /** 16 bytes: a hash of the client's idempotency key. */
  readonly id: Uint8Array;
  /** A hash of kind, key, context and body: another one under the same id is a mismatch. */
  readonly check: bigint;
  /** False when the client says that this is its first attempt: then nobody is asked about an earlier one. */
  readonly maybeRetry: boolean;
}

/** A write for a client. `value: undefined` deletes. An empty context: blind. */
export interface PutCommand {
  readonly kind: "put";
  readonly id: Uint8Array;
  readonly value: Uint8Array | undefined;
  readonly contentType: string;
  /** Seconds until the value expires; 0: it stays, whatever its bucket says. Without it the bucket's default holds. */
  readonly ttlSeconds?: number | undefined;
  readonly context: Uint8Array;
  readonly w: QuorumArg | undefined;
  readonly sloppy: boolean;
  readonly ifAbsent: boolean;
  readonly operation: OperationTag | undefined;
  readonly hops: number;
}

export interface PutDone {
  readonly kind: "put-done";
  readonly context: Uint8Array;
  readonly needed: number;
  readonly received: number;
  readonly fallbacks: number;
}

export interface Failed {
  readonly kind: "failed";
  readonly failure: Failure;
}

/** One of the three messages of a gossip round, encoded by its room. */
export interface Gossip {
  readonly kind: "gossip";
  readonly payload: Uint8Array;
}

/** Asks to become a member, or to take the place of a member of that name which is down. */
export interface Join {
  readonly kind: "join";
  readonly name: string;
  readonly instance: number;
  readonly zone: string;
  readonly weight: number;
}

/** What a member needs to know for ever (cluster, secret, Q, N) and the facts known now, as encoded gossip. */
export interface Welcome {
  readonly kind: "welcome";
  readonly clusterId: bigint;
  readonly secret: Uint8Array;
  readonly partitions: number;
  readonly replicas: number;
  readonly gossip: Uint8Array;
  /** Who holds what now, as encoded records: without them a new member would not know whom to ask. */
  readonly owners: Uint8Array;
}

/** One page of a partition's keys, in the order of (hash, id), after the given place. `prefix` is the UTF-8 of `bucket/prefix`. */
export interface ListKeys {
  readonly kind: "list";
  readonly partition: number;
  readonly prefix: Uint8Array;
  readonly fromHash: bigint;
  /** The last id already seen at `fromHash`; empty at the start. */
  readonly afterId: Uint8Array;
  readonly limit: number;
}

export interface ListedKey {
  readonly id: Uint8Array;
  readonly digest: bigint;
  /** Siblings that are not tombstones. */
  readonly live: number;
}

export interface Listed {
  readonly kind: "listed";
  readonly status: "ok" | "unknown";
  readonly keys: readonly ListedKey[];
  readonly more: boolean;
}

/** What this node holds, in numbers: its buckets with their live keys, and its conflicts. */
export interface Inventory {
  readonly kind: "inventory";
}

export interface Inventoried {
  readonly kind: "inventoried";
  readonly buckets: readonly { readonly name: string; readonly keys: number }[];
}

/** The keys with several siblings that this node holds. An empty bucket: of all buckets. */
export interface ListConflicts {
  readonly kind: "conflicts";
  readonly bucket: string;
}

export interface ConflictEntry {
  readonly id: Uint8Array;
  readonly siblings: number;
  /** Milliseconds since the epoch: the stamp of the second oldest sibling. */
  readonly sinceMs: number;
}

export interface ListedConflicts {
  readonly kind: "conflicts-listed";
  readonly conflicts: readonly ConflictEntry[];
}

/** The states of some keys of a partition, by the hashes of their names, for a replica that fills itself from another. */
export interface Pull {
  readonly kind: "pull";
  readonly partition: number;
  /** In rising order. */
  readonly hashes: readonly bigint[];
  readonly bytesMax: number;
}

export interface Pulled {
  readonly kind: "pulled";
  readonly states: readonly { readonly id: Uint8Array; readonly body: Uint8Array }[];
  /** Not all of the hashes fitted: those above the last state's are to be asked for again. */
  readonly more: boolean;
}

/** Asks for the ring, so that a client can go straight to a replica. */
export interface AskRing {
  readonly kind: "ring";
}

export interface RingTable {
  readonly kind: "ring-table";
  readonly version: string;
  readonly members: readonly { readonly name: string; readonly address: string }[];
  /** For each partition the owners, as places in `members`. */
  readonly owners: readonly (readonly number[])[];
}

export type Message =
  | Hello
  | Refused
  | Fetch
  | Fetched
  | Digest
  | Digested
  | Store
  | Stored
  | GetCommand
  | Got
  | PutCommand
  | PutDone
  | Failed
  | Gossip
  | Join
  | Welcome
  | ListKeys
  | Listed
  | Inventory
  | Inventoried
  | ListConflicts
  | ListedConflicts
  | Pull
  | Pulled
  | AskRing
  | RingTable
  | HintRequest
  | RingRequest
  | RingReply
  | ClientRequest
  | ClientReply
  | ExchangeRequest
  | ExchangeReply
  | ReapRequest
  | ReapReply
  | AskRisk
  | RiskSaid
  | AskStart
  | StartSaid;

export type MessageKind = Message["kind"];
export type MessageOf<K extends MessageKind> = Extract<Message, { readonly kind: K }>;
