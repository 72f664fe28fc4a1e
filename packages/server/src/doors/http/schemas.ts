/** The JSON documents that come in and go out of this door: zod schemas that check what comes in, and describe all of it in OpenAPI. */
import { limits } from "@kvorum/core";
import type {
  BucketConfig,
  ChangeView,
  ClusterView,
  ConflictPage,
  DigestsView,
  Explanation,
  KeyPage,
  PlaceView,
  RemovalView,
  RepairView,
  QuorumArg,
  RingView,
  RiskView,
} from "@kvorum/core";
import { z } from "zod";
import type { EnvelopeDocument } from "./envelope.js";

const count = z.int().nonnegative();
const name = z.string();
const cursor = z.string().nullable().meta({ description: "Give it back for the next page; null after the last one" });
const timestamp = count.meta({ description: "Milliseconds since the epoch" });
const dot = z.string().meta({ description: "One write: `actor:n`" });
const status = z.enum(["up", "suspect", "down", "joining", "leaving"]);

export const quorumArg = z
  .union(
    [z.int().min(1).max(99), z.enum(["one", "quorum", "all"])],
    'expected a number from 1 to n, or "one", "quorum", "all"',
  )
  .meta({ description: "Replies needed: a number up to n, or a word" }) satisfies z.ZodType<QuorumArg>;

const conflicts = z.enum(["siblings", "lww"]).meta({
  description:
    "siblings keeps concurrent writes for the reader to resolve; lww keeps the newest by timestamp and loses the others",
});

const ttl = z.int().min(1).max(limits.ttlSecondsMax);

export const bucketConfig = z.strictObject({
  n: count.meta({ description: "Replicas of a key: the cluster's, fixed when it was founded" }),
  r: quorumArg,
  w: quorumArg,
  conflicts,
  ttl: ttl
    .optional()
    .meta({ description: "Seconds that a value stays unless its PUT says otherwise; left out: for ever" }),
}) satisfies z.ZodType<BucketConfig>;

export const bucketChange = bucketConfig
  .extend({ ttl: ttl.nullable() })
  .partial()
  .meta({ description: "What is left out stays. n may only be what it is; a ttl of null takes the default away" });

export const bucketList = z.object({
  buckets: z.array(z.object({ name, keys: count.meta({ description: "Live keys" }) })),
});

export const keyPage = z.object({ keys: z.array(z.string()), cursor }) satisfies z.ZodType<KeyPage>;

export const conflictPage = z.object({
  conflicts: z.array(z.object({ bucket: name, key: z.string(), siblings: count, since: timestamp })),
  cursor,
  total: count,
}) satisfies z.ZodType<ConflictPage>;

export const envelope = z.object({
  bucket: name,
  key: z.string(),
  context: z.string().max(limits.contextCharsMax).nullable().meta({
    description:
      "Send it back as Kvorum-Context with the write that follows this read; null when the key was never seen",
  }),
  siblings: z.array(
    z.object({
      value: z.string(),
      encoding: z.enum(["utf8", "base64"]).meta({ description: "How `value` holds the bytes" }),
      contentType: z.string(),
      dot,
      timestamp,
      expires: timestamp.optional().meta({
        description: "Milliseconds since the epoch from which on no read shows it; left out for a value that stays",
      }),
      clock: z.record(z.string(), count).meta({
        description:
          "The version vector that the write was made with, its own dot included: by it any two versions can be compared",
      }),
      origin: z.object({
        node: name.meta({ description: "Where the write was coordinated" }),
        fallback: z.boolean().meta({ description: "Whether that node stood in for a primary" }),
        context: z.boolean().meta({ description: "Whether the write followed a read; false for a blind one" }),
      }),
    }),
  ),
  quorum: z.object({ needed: count, received: count, fallbacks: count }),
}) satisfies z.ZodType<EnvelopeDocument>;

export const cluster = z.object({
  cluster: z.string().meta({ description: "The cluster's id: 16 hex digits" }),
  node: name.meta({ description: "The node that answers" }),
  partitions: count,
  replicas: count,
  settled: z.boolean().meta({
    description: "All members that can be reached agree on the ring, and no phase or transfer is open",
  }),
  underReplicated: z.boolean().meta({ description: "Fewer members than replicas wanted" }),
  members: z.array(
    z.object({
      name,
      address: z.string(),
      http: z.string(),
      zone: z.string(),
      status,
      ownership: z.number().min(0).max(1).meta({ description: "Share of all replica places" }),
      hints: count.meta({ description: "Hints that it keeps for others" }),
      phi: z.number().nullable().meta({
        description: "-log10 of how likely its silence is for a member that lives; null for the answering node",
      }),
      heardMsAgo: count.nullable().meta({ description: "Since its last heartbeat; null while none came" }),
      why: z.string().meta({ description: "Why the answering node takes it for what it says" }),
    }),
  ),
  hints: z
    .object({ count, bytes: count, oldest: timestamp.nullable() })
    .meta({ description: "What the answering node keeps for others, and since when" }),
  transfers: z.array(z.object({ partition: count, from: name, to: name, done: count, total: count })),
  tombstones: z.object({
    count: count.meta({ description: "Tombstones and expired values that the answering node holds as an owner" }),
    reaped: count.meta({ description: "Removed by proof since it was started" }),
    oldest: z
      .object({ bucket: name, key: z.string(), since: timestamp, why: z.string() })
      .nullable()
      .meta({ description: "Of those that it is to reap, with what it waits for" }),
  }),
}) satisfies z.ZodType<ClusterView>;

export const ring = z.object({
  version: z.string(),
  partitions: z.array(z.object({ partition: count, owners: z.array(name) })),
}) satisfies z.ZodType<RingView>;

export const digests = z.object({
  partitions: z.record(z.string(), z.string()).meta({
    description: "By partition, the root of its hash tree: 16 hex digits. Equal on replicas that hold the same",
  }),
}) satisfies z.ZodType<DigestsView>;

const age = count.meta({ description: "Milliseconds" });
const oldestTombstone = z.object({ bucket: name, key: z.string(), since: timestamp, why: z.string() });

export const risk = z.object({
  ok: z.boolean().meta({ description: "Everything below is as it should be" }),
  lines: z
    .array(z.string())
    .meta({ description: "A line for each thing that is not; the one that says so when all is well" }),
  membersDown: z.array(name).meta({ description: "Members that seem down, or did not answer in time" }),
  underReplicated: z.object({
    partitions: count.meta({ description: "Partitions with fewer than N live and whole replicas" }),
    fewest: count.nullable().meta({ description: "The fewest that one of them has" }),
    partition: count.nullable().meta({ description: "Which one that is" }),
  }),
  hints: z.object({ count, oldestAgeMs: age.nullable(), on: name.nullable() }),
  compared: z.object({
    stale: count.meta({ description: "Partitions of which two live owners were not compared for too long" }),
    longestAgoMs: age
      .nullable()
      .meta({ description: "The longest that two live owners of a partition were not compared" }),
  }),
  tombstones: z.object({
    count: count.meta({ description: "On all replicas together" }),
    oldest: oldestTombstone.extend({ on: name }).nullable(),
  }),
  conflicts: count.nullable().meta({ description: "Keys with several values; null when that could not be told" }),
  damaged: count.meta({ description: "Records that failed their checksum and wait to be healed" }),
}) satisfies z.ZodType<RiskView>;

const repairCounts = {
  running: z.boolean().meta({ description: "It was asked for, and not every comparison has ended" }),
  exchanges: count.meta({ description: "Comparisons that came to their end since the start" }),
  keysRepaired: count.meta({ description: "Keys whose state became another one by them" }),
  bytesSent: count,
  finishedAt: count.nullable().meta({
    description: "Milliseconds since the epoch: the end of what was last asked for; null while that runs or was never",
  }),
  done: count.meta({ description: "Members compared with, of `total`, while it runs" }),
  total: count,
};

export const repair = z.object({
  ...repairCounts,
  members: z.array(
    z.object({
      node: name,
      reached: z.boolean().meta({ description: "It answered; if not, its other fields are empty" }),
      ...repairCounts,
    }),
  ),
}) satisfies z.ZodType<RepairView>;

const changeCounts = {
  partitions: count,
  keys: count.meta({ description: "As far as members said how much they hold" }),
  bytes: count,
};

export const change = z.object({
  change: z.enum(["join", "leave", "remove"]),
  name,
  ...changeCounts,
  replicas: count.meta({ description: "Copies of partitions to be made" }),
  arrivals: z.array(z.object({ to: name, ...changeCounts })),
  fewestReplicas: count.meta({ description: "The fewest members that hold some partition until it is complete" }),
  fewestAfter: count.meta({ description: "The fewest that hold some partition from then on" }),
  expectedMs: count.meta({ description: "As long as clients leave the time for it" }),
  unreached: z.array(name).meta({ description: "Members that did not say how much they hold" }),
}) satisfies z.ZodType<ChangeView>;

export const removal = change.extend({
  keysBelowN: count.meta({ description: "Keys with fewer than N replicas until they have been copied" }),
  partitionsAtRisk: count.meta({
    description: "Partitions of which too few owners can be reached to be sure of every acknowledged write",
  }),
}) satisfies z.ZodType<RemovalView>;

export const place = z.object({
  partition: count,
  preferenceList: z.array(name),
  fallbacks: z.array(name),
}) satisfies z.ZodType<PlaceView>;

export const explanation = z.object({
  partition: count,
  preferenceList: z.array(name),
  coordinator: name,
  replicas: z.array(
    z.object({
      node: name,
      role: z.enum(["primary", "fallback"]),
      status,
      reply: z.enum(["ok", "not-found", "timeout", "error"]),
      digest: z.string().nullable(),
      siblings: z.array(z.object({ dot, timestamp, deleted: z.boolean() })),
    }),
  ),
  agree: z.boolean(),
}) satisfies z.ZodType<Explanation>;

export const health = z.object({ status: z.enum(["live", "ready"]) });

export const problem = z.object({
  type: z.string().meta({ description: "urn:kvorum:<name>: stable" }),
  title: z.string(),
  status: z.int(),
  detail: z.string().meta({ description: "What was wrong and what to do" }),
  effect: z.enum(["none", "unknown"]).optional().meta({
    description:
      "With every error of a request that changes something. none: nothing was started. unknown: it may still appear",
  }),
  needed: count.optional().meta({ description: "Replies that the quorum needed" }),
  received: count.optional().meta({ description: "Replies that came in time" }),
  members: count.optional().meta({
    description:
      "Members that there are, where more replies are needed than that: no retry helps until members are added",
  }),
});

/** Each schema under the name that a client made from the description would give its type. */
export const documents = {
  BucketChange: bucketChange,
  BucketConfig: bucketConfig,
  BucketList: bucketList,
  Change: change,
  Cluster: cluster,
  ConflictPage: conflictPage,
  Envelope: envelope,
  Explanation: explanation,
  Health: health,
  KeyPage: keyPage,
  Digests: digests,
  Place: place,
  Problem: problem,
  Removal: removal,
  Repair: repair,
  Ring: ring,
  Risk: risk,
} as const;

export type SchemaName = keyof typeof documents;
