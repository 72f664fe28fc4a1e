/** Any message of any kind, for properties. A kind that is missing here does not compile. */
import { startWords } from "../../src/wire/reap-messages.js";
import { reapSteps, reapWords } from "../../src/base/reap-words.js";
import fc from "fast-check";
import { failureCodes, type Failure } from "../../src/base/failure.js";
import type { QuorumArg } from "../../src/base/quorum-arg.js";
import type { Envelope, Message, MessageKind, MessageOf } from "../../src/wire/messages.js";

const U32 = 0xffff_ffff;
const bytes = (max = 40): fc.Arbitrary<Uint8Array> =>
  fc.oneof(fc.uint8Array({ maxLength: max }), fc.constantFrom(new Uint8Array(127), new Uint8Array(128)));
const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 20 }),
  fc.string({ unit: "binary-ascii", maxLength: 60 }),
  fc.constantFrom("", "__proto__", "\ufeffmark", "a".repeat(42), "a".repeat(43), "ä".repeat(100)),
);
const byte = fc.integer({ min: 0, max: 255 });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: U32 });
const u48 = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const natural = fc.oneof(fc.nat(), fc.constantFrom(0, 127, 128, 2 ** 32, Number.MAX_SAFE_INTEGER));
const quorum: fc.Arbitrary<QuorumArg | undefined> = fc.oneof(
  fc.integer({ min: 1, max: 99 }),
  fc.constantFrom<QuorumArg | undefined>("one", "quorum", "all", undefined),
);
const setQuorum: fc.Arbitrary<QuorumArg> = fc.oneof(
  fc.integer({ min: 1, max: 99 }),
  fc.constantFrom<QuorumArg>("one", "quorum", "all"),
);
const list = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(item, { maxLength: 5 });
const kind = <K extends MessageKind>(name: K): fc.Arbitrary<K> => fc.constant(name);

const failure: fc.Arbitrary<Failure> = fc
  .record({
    code: fc.constantFrom(...failureCodes),
    detail: text,
    effect: fc.constantFrom("none" as const, "unknown" as const),
    counts: fc.option(fc.record({ needed: byte, received: byte })),
    retry: fc.option(fc.record({ retryAfterMs: natural })),
    there: fc.option(fc.record({ members: byte })),
  })
  .map(({ counts, retry, there, ...rest }) => ({ ...rest, ...counts, ...retry, ...there }));

const done = { context: bytes(), needed: byte, received: byte, fallbacks: byte };
const byRecord = { epoch: natural, phase: fc.constantFrom(1 as const, 2 as const, 3 as const) };
const pageStatus = fc.constantFrom("ok" as const, "unknown" as const);

export const messagesByKind: { readonly [K in MessageKind]: fc.Arbitrary<MessageOf<K>> } = {
  hello: fc.record({
    kind: kind("hello"),
    role: fc.constantFrom("member" as const, "joiner" as const, "client" as const),
    name: text,
    instance: u48,
  }),
  refused: fc.record({ kind: kind("refused"), reason: text }),
  fetch: fc.record({ kind: kind("fetch"), id: bytes(), ...byRecord }),
  fetched: fc.oneof(
    fc.record({ kind: kind("fetched"), status: fc.constant("state" as const), body: bytes() }),
    fc.record({ kind: kind("fetched"), status: fc.constant("absent" as const), body: fc.constant(undefined) }),
    fc.record({
      ...{ kind: kind("fetched"), status: fc.constant("unknown" as const), isRemains: fc.constant(true) },
      body: fc.option(bytes(), { nil: undefined }),
    }),
    fc.record({
      kind: kind("fetched"),
      status: fc.constant("unknown" as const),
      body: fc.option(bytes(), { nil: undefined }),
    }),
  ),
  digest: fc.record({ kind: kind("digest"), id: bytes(), ...byRecord }),
  digested: fc.record({
    kind: kind("digested"),
    status: fc.constantFrom("state" as const, "absent" as const, "unknown" as const),
    digest: u64,
  }),
  store: fc.record({ kind: kind("store"), id: bytes(), body: bytes(2_000), whole: fc.boolean(), ...byRecord }),
  stored: fc.record({
    kind: kind("stored"),
    status: fc.constantFrom("durable" as const, "full" as const, "failed" as const, "refused" as const),
  }),
  get: fc.record({
    kind: kind("get"),
    id: bytes(),
    r: quorum,
    sloppy: fc.boolean(),
    local: fc.boolean(),
    hops: byte,
  }),
  got: fc.record({ kind: kind("got"), body: bytes(2_000), ...done }),
  put: fc
    .record({
      kind: kind("put"),
      id: bytes(),
      value: fc.option(bytes(2_000), { nil: undefined }),
      contentType: text,
      context: bytes(),
      w: quorum,
      sloppy: fc.boolean(),
      ifAbsent: fc.boolean(),
      operation: fc.option(
        fc.record({ id: fc.uint8Array({ minLength: 16, maxLength: 16 }), check: u64, maybeRetry: fc.boolean() }),
        { nil: undefined },
      ),
      ttlSeconds: fc.option(natural, { nil: undefined }),
      hops: byte,
    })
    // A delete has no content type; a write without a TTL has no such field.
    .map(({ ttlSeconds, ...put }) => (ttlSeconds === undefined ? put : { ...put, ttlSeconds }))
    .map((put) => (put.value === undefined ? { ...put, contentType: "" } : put)),
  "put-done": fc.record({ kind: kind("put-done"), ...done }),
  failed: fc.record({ kind: kind("failed"), failure }),
  gossip: fc.record({ kind: kind("gossip"), payload: bytes() }),
  join: fc.record({ kind: kind("join"), name: text, instance: u48, zone: text, weight: natural }),
  welcome: fc.record({
    kind: kind("welcome"),
    clusterId: u64,
    secret: bytes(),
    partitions: u32,
    replicas: byte,
    gossip: bytes(),
    owners: bytes(),
  }),
  list: fc.record({
    kind: kind("list"),
    partition: u16,
    prefix: bytes(),
    fromHash: u64,
    afterId: bytes(),
    limit: natural,
  }),
  listed: fc.record({
    kind: kind("listed"),
    status: pageStatus,
    keys: list(fc.record({ id: bytes(), digest: u64, live: natural })),
    more: fc.boolean(),
  }),
  inventory: fc.record({ kind: kind("inventory") }),
  inventoried: fc.record({ kind: kind("inventoried"), buckets: list(fc.record({ name: text, keys: natural })) }),
  conflicts: fc.record({ kind: kind("conflicts"), bucket: text }),
  "conflicts-listed": fc.record({
    kind: kind("conflicts-listed"),
    conflicts: list(fc.record({ id: bytes(), siblings: natural, sinceMs: natural })),
  }),
  pull: fc.record({ kind: kind("pull"), partition: u16, hashes: list(u64), bytesMax: natural }),
  pulled: fc.record({
    kind: kind("pulled"),
    states: list(fc.record({ id: bytes(), body: bytes(2_000) })),
    more: fc.boolean(),
  }),
  ring: fc.record({ kind: kind("ring") }),
  "ring-table": fc.record({
    kind: kind("ring-table"),
    version: text,
    members: list(fc.record({ name: text, address: text })),
    owners: list(list(natural)),
  }),
  "store-hint": fc.record({ kind: kind("store-hint"), id: bytes(), body: bytes(2_000), name: text, instance: u48 }),
  peek: fc.record({ kind: kind("peek"), id: bytes() }),
  compare: fc.record({
    kind: kind("compare"),
    set: fc.option(bytes(), { nil: undefined }),
    setHash: u64,
    sum: u64,
  }),
  compared: fc.record({
    kind: kind("compared"),
    verdict: fc.constantFrom("same" as const, "differs" as const, "busy" as const, "other-set" as const),
    set: bytes(),
  }),
  branch: fc.record({
    kind: kind("branch"),
    nodes: list(fc.record({ level: byte, path: u32, keys: fc.boolean() })),
  }),
  branched: fc.record({
    kind: kind("branched"),
    nodes: list(
      fc.oneof(
        fc.record({
          kind: fc.constant("children" as const),
          sums: fc.array(fc.oneof(u64, fc.constant(0n)), { minLength: 16, maxLength: 16 }),
        }),
        fc.record({ kind: fc.constant("keys" as const), keys: list(fc.record({ hash: u64, digest: u64 })) }),
      ),
    ),
  }),
  recheck: fc.record({ kind: kind("recheck"), hashes: list(u64) }),
  rechecked: fc.record({ kind: kind("rechecked"), digests: list(u64) }),
  mend: fc.record({
    kind: kind("mend"),
    states: list(fc.record({ id: bytes(), body: bytes(2_000) })),
    wanted: list(u64),
  }),
  mended: fc.record({
    kind: kind("mended"),
    kept: natural,
    states: list(fc.record({ id: bytes(), body: bytes(2_000) })),
    complete: fc.boolean(),
  }),
  repair: fc.record({ kind: kind("repair"), start: fc.boolean() }),
  "repair-status": fc.record({
    kind: kind("repair-status"),
    running: fc.boolean(),
    ...{ exchanges: natural, keysRepaired: natural, bytesSent: natural, finishedAt: natural },
    ...{ done: natural, total: natural },
  }),
  owners: fc.record({ kind: kind("owners"), ring: text, records: bytes(), begin: list(u16) }),
  "owners-seen": fc.record({
    kind: kind("owners-seen"),
    ring: text,
    seen: list(fc.record({ partition: u16, epoch: natural, confirmed: fc.boolean() })),
    newer: bytes(),
  }),
  fenced: fc.record({ kind: kind("fenced"), records: bytes() }),
  "owners-sync": fc.record({ kind: kind("owners-sync"), digests: list(u64) }),
  "owners-synced": fc.record({ kind: kind("owners-synced"), records: bytes() }),
  index: fc.record({ kind: kind("index"), partition: u16, fromHash: u64, limit: natural }),
  indexed: fc.record({
    kind: kind("indexed"),
    entries: list(fc.record({ hash: u64, digest: u64 })),
    more: fc.boolean(),
    total: natural,
  }),
  weigh: fc.record({ kind: kind("weigh") }),
  weighed: fc.record({
    kind: kind("weighed"),
    partitions: list(fc.record({ partition: u16, keys: natural, bytes: natural })),
  }),
  "client-list": fc.record({ kind: kind("client-list"), bucket: text, prefix: text, limit: natural, cursor: text }),
  "client-listed": fc.record({ kind: kind("client-listed"), keys: list(text), cursor: text }),
  "client-conflicts": fc.record({ kind: kind("client-conflicts"), bucket: text, limit: natural, cursor: text }),
  "client-conflicts-listed": fc.record({
    kind: kind("client-conflicts-listed"),
    conflicts: list(fc.record({ bucket: text, key: text, siblings: natural, since: natural })),
    cursor: text,
    total: natural,
  }),
  "client-bucket": fc.record({ kind: kind("client-bucket"), bucket: text }),
  "client-set-bucket": fc.record({
    kind: kind("client-set-bucket"),
    bucket: text,
    r: quorum,
    w: quorum,
    conflicts: fc.constantFrom("siblings" as const, "lww" as const, undefined),
    ttl: fc.oneof(natural, fc.constantFrom(null, undefined)),
  }),
  "client-bucket-said": fc.record({
    kind: kind("client-bucket-said"),
    n: byte,
    r: setQuorum,
    w: setQuorum,
    conflicts: fc.constantFrom("siblings" as const, "lww" as const),
    ttl: fc.oneof(natural, fc.constant(undefined)),
  }),
  reap: fc.record({
    kind: kind("reap"),
    step: fc.constantFrom(...reapSteps),
    partition: u16,
    epoch: natural,
    records: list(fc.record({ id: bytes(), digest: u64 })),
  }),
  reaped: fc.record({ kind: kind("reaped"), words: list(fc.constantFrom(...reapWords)) }),
  fence: fc.record({ kind: kind("fence"), boot: natural, tide: natural }),
  start: fc.record({
    ...{ kind: kind("start"), instance: u48 },
    starts: fc.array(fc.record({ boot: natural, start: u48 }), { maxLength: 4 }),
  }),
  "start-said": fc.record({ kind: kind("start-said"), word: fc.constantFrom(...startWords) }),
  risk: fc.record({ kind: kind("risk") }),
  "risk-said": fc.record({
    kind: kind("risk-said"),
    upMs: natural,
    filling: list(u16),
    damaged: natural,
    hints: natural,
    oldestHintAgeMs: natural,
    tombstones: natural,
    oldestTombstone: fc.option(fc.record({ bucket: text, key: text, since: natural, why: text }), { nil: undefined }),
    compared: list(fc.record({ name: text, agoMs: natural })),
  }),
  "fence-said": fc.record({
    kind: kind("fence-said"),
    boot: natural,
    tide: natural,
    isOut: fc.boolean(),
    waitsFor: text,
  }),
};

export const anyMessage: fc.Arbitrary<Message> = fc.oneof(...Object.values<fc.Arbitrary<Message>>(messagesByKind));

export const anyEnvelope: fc.Arbitrary<Envelope> = fc.record({ requestId: u32, deadlineMs: u32, message: anyMessage });

export const anyClusterId = u64;
