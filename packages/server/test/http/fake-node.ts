/** A node for tests of the door: it answers what it is told to, and keeps what it was asked. */
import type {
  BucketChange,
  BucketConfig,
  ChangeView,
  ClusterView,
  ConflictPage,
  DigestsView,
  Explanation,
  GetCommand,
  Got,
  KeyId,
  KeyPage,
  MemberChange,
  NodeApi,
  NodeStats,
  OperationTag,
  Outcome,
  PlaceView,
  PutCommand,
  PutDone,
  RemovalView,
  RepairView,
  RiskView,
  Reply,
  RingView,
} from "@kvorum/core";
import { fail, keyIdOf, ok } from "@kvorum/core";
import { testPrimitives } from "../../../core/test/primitives.js";

export const nothing: Got = {
  kind: "got",
  body: new Uint8Array(0),
  context: new Uint8Array(0),
  needed: 2,
  received: 2,
  fallbacks: 0,
};

export const done: PutDone = {
  kind: "put-done",
  context: Uint8Array.of(1, 2, 3),
  needed: 2,
  received: 2,
  fallbacks: 0,
};

export const clusterView: ClusterView = {
  cluster: "00112233445566ff",
  node: "n1",
  partitions: 256,
  replicas: 3,
  settled: true,
  underReplicated: true,
  members: [
    {
      name: "n1",
      address: "127.0.0.1:7401",
      http: "127.0.0.1:7400",
      zone: "z",
      status: "up",
      ownership: 1,
      hints: 0,
      phi: null,
      heardMsAgo: null,
      why: "this node",
    },
  ],
  transfers: [],
  hints: { count: 0, bytes: 0, oldest: null },
  tombstones: { count: 0, reaped: 0, oldest: null },
};

type List = Parameters<NodeApi["listKeys"]>[0];
type ConflictList = Parameters<NodeApi["listConflicts"]>[0];

/** Everything asked is in one of the lists; everything answered is a field that a test sets first. */
export class FakeNode implements NodeApi {
  readonly gets: { readonly command: GetCommand; readonly timeoutMs: number }[] = [];
  readonly puts: { readonly command: PutCommand; readonly timeoutMs: number }[] = [];
  readonly operations: { readonly idempotencyKey: string; readonly attempt: number | undefined }[] = [];
  readonly lists: (List | ConflictList)[] = [];
  readonly explained: string[] = [];
  repairs = 0;

  got: Outcome<Got> = ok(nothing);
  put_: Outcome<PutDone> = ok(done);
  /** When set, replies wait here until the test calls them. */
  waiting: (() => void)[] | undefined;
  keyPage: Outcome<KeyPage> = ok({ keys: ["a", "b"], cursor: null });
  conflictPage: Outcome<ConflictPage> = ok({ conflicts: [], cursor: null, total: 0 });
  config: BucketConfig = { n: 3, r: "quorum", w: "quorum", conflicts: "siblings" };
  isReady = true;
  nodeStats: NodeStats = {
    diskStalledMs: 0,
    readRepairs: 1,
    gossipBytesSent: 2,
    antiEntropyBytesSent: 11,
    antiEntropyKeysRepaired: 12,
    healedRecords: 13,
    lostRecords: 14,
    treeMismatches: 15,
    damagedRecords: 3,
    scrubbedRecords: 9,
    divergentStates: 4,
    siblingWarnings: 5,
    retiredActors: 6,
    conflicts: 7,
    liveKeys: 8,
    transferKeys: 10,
    requestsInFlight: 9,
    hintsPending: 11,
    hintBytes: 12,
    oldestHintAgeMs: 13_500,
    hintsReplayed: 14,
    hintsRefused: 15,
    hintsLost: 16,
    tombstones: 10,
    tombstonesReaped: 11,
    oldestTombstoneMs: 12_000,
  };

  keyOf(bucket: string, key: string): KeyId {
    return keyIdOf(testPrimitives, 256, bucket, key);
  }

  operationOf(idempotencyKey: string, _write: unknown, attempt?: number): OperationTag {
    this.operations.push({ idempotencyKey, attempt });
    return { id: new Uint8Array(16).fill(7), check: 7n, maybeRetry: attempt !== 1 };
  }

  get(command: GetCommand, timeoutMs: number, reply: Reply<Got>): void {
    this.gets.push({ command, timeoutMs });
    this.#answer(reply, () => this.got);
  }

  put(command: PutCommand, timeoutMs: number, reply: Reply<PutDone>): void {
    this.puts.push({ command, timeoutMs });
    this.#answer(reply, () => this.put_);
  }

  listKeys(query: List, _timeoutMs: number, reply: Reply<KeyPage>): void {
    this.lists.push(query);
    reply(this.keyPage);
  }

  listConflicts(query: ConflictList, _timeoutMs: number, reply: Reply<ConflictPage>): void {
    this.lists.push(query);
    reply(this.conflictPage);
  }

  listBuckets(_timeoutMs: number, reply: Reply<readonly { readonly name: string; readonly keys: number }[]>): void {
    reply(ok([{ name: "carts", keys: 2 }]));
  }

  bucketConfig(): BucketConfig {
    return this.config;
  }

  setBucketConfig(_bucket: string, config: BucketChange, reply: Reply<BucketConfig>): void {
    const { ttl, ...rest } = { ...this.config, ...config };
    this.config = { ...rest, ...(typeof ttl === "number" && { ttl }) };
    reply(ok(this.config));
  }

  explain(id: Uint8Array, _timeoutMs: number, reply: Reply<Explanation>): void {
    this.explained.push(Buffer.from(id).toString());
    const replica = {
      node: "n1",
      role: "primary",
      status: "up",
      reply: "not-found",
      digest: null,
      siblings: [],
    } as const;
    reply(ok({ partition: 1, preferenceList: ["n1"], coordinator: "n1", replicas: [replica], agree: true }));
  }

  place(id: Uint8Array): PlaceView {
    this.explained.push(Buffer.from(id).toString());
    return { partition: 1, preferenceList: ["n1"], fallbacks: [] };
  }

  ringView(): RingView {
    return { version: "1", partitions: [{ partition: 0, owners: ["n1"] }] };
  }

  planChange(change: MemberChange, reply: Reply<ChangeView>): void {
    reply(this.#changed(change.change, change.name));
  }

  leave(name: string, reply: Reply<ChangeView>): void {
    reply(this.#changed("leave", name));
  }

  remove(name: string, force: boolean, reply: Reply<RemovalView>): void {
    if (!force) return reply(fail("member-alive", `${name} is up`));
    const moved = this.#changed("remove", name);
    reply(moved.ok ? ok({ ...moved.value, keysBelowN: 7, partitionsAtRisk: 0 }) : moved);
  }

  #changed(change: ChangeView["change"], name: string): Outcome<ChangeView> {
    if (name === "nobody") return fail("not-found", `${name} is no member`);
    const moved = { partitions: 3, keys: 40, bytes: 5_000 };
    const rest = {
      replicas: 3,
      arrivals: [{ to: "n1", ...moved }],
      fewestReplicas: 2,
      fewestAfter: 3,
      expectedMs: 1_000,
      unreached: [],
    };
    return ok({ change, name, ...moved, ...rest });
  }

  risk(_timeoutMs: number, reply: Reply<RiskView>): void {
    reply(
      ok({
        ok: false,
        lines: ["n3 is down"],
        membersDown: ["n3"],
        underReplicated: { partitions: 64, fewest: 2, partition: 0 },
        hints: { count: 1, oldestAgeMs: 5_000, on: "n2" },
        compared: { stale: 0, longestAgoMs: 61_000 },
        tombstones: { count: 2, oldest: { bucket: "b", key: "k", since: 1, why: "n3 is away", on: "n1" } },
        conflicts: 0,
        damaged: 0,
      }),
    );
  }

  repair(reply: Reply<RepairView>): void {
    this.repairs++;
    this.repairStatus(reply);
  }

  repairStatus(reply: Reply<RepairView>): void {
    const counts = { exchanges: 1, keysRepaired: 2, bytesSent: 300, finishedAt: null, done: 0, total: 1 };
    const running = this.repairs > 0;
    reply(ok({ running, ...counts, members: [{ node: "n1", reached: true, running, ...counts }] }));
  }

  digests(): DigestsView {
    return { partitions: { "17": "00000000000000ff" } };
  }

  cluster(): ClusterView {
    return clusterView;
  }

  ready(): boolean {
    return this.isReady;
  }

  stats(): NodeStats {
    return this.nodeStats;
  }

  /** `bucket/key` of the last read or write. */
  get lastId(): string {
    const { command } = [...this.gets, ...this.puts].at(-1) as { command: GetCommand | PutCommand };
    return Buffer.from(command.id).toString();
  }

  #answer<T>(reply: Reply<T>, outcome: () => Outcome<T>): void {
    if (this.waiting === undefined) reply(outcome());
    else this.waiting.push(() => reply(outcome()));
  }
}
