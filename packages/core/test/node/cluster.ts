/** A whole cluster in one process and in virtual time: the real nodes over memory networks and stores. Nothing moves but by `run`. */
import { HybridClock, stampAt, type Stamp } from "../../src/base/hlc.js";
import type { Outcome } from "../../src/base/failure.js";
import { Rng } from "../../src/base/rng.js";
import type { ChangeView, RemovalView } from "../../src/node/api.js";
import { Node } from "../../src/node/node.js";
import { defaultSettings, type NodeSettings } from "../../src/node/settings.js";
import { Starter } from "../../src/node/starter.js";
import { MemoryNetwork, type MemoryEndpoint } from "../../src/ports/memory-network.js";
import type { Clock } from "../../src/ports/clock.js";
import type { RecordKey } from "../../src/ports/storage.js";
import { valued, type KeyState } from "../../src/versions/key-state.js";
import type { GetCommand, Got, PutCommand, PutDone } from "../../src/wire/messages.js";
import { keyIdOfBytes } from "../../src/base/key-id.js";
import { testPrimitives } from "../primitives.js";
import { TestStorage } from "./test-storage.js";

export { HybridClock };

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** Virtual time: events in the order of their time, then of their making. */
export class Timeline {
  nowMs = 1_000;
  #order = 0;
  #events: Event[] = [];

  after(delayMs: number, run: () => void): () => void {
    const event: Event = { atMs: this.nowMs + delayMs, order: this.#order++, run, cancelled: false };
    let at = this.#events.length;
    while (at > 0 && (this.#events[at - 1] as Event).atMs > event.atMs) at--;
    this.#events.splice(at, 0, event);
    return () => (event.cancelled = true);
  }

  run(forMs: number): void {
    const until = this.nowMs + forMs;
    for (let next = this.#events[0]; next !== undefined && next.atMs <= until; next = this.#events[0]) {
      this.#events.shift();
      this.nowMs = Math.max(this.nowMs, next.atMs);
      if (!next.cancelled) next.run();
    }
    this.nowMs = until;
  }

  /** Runs until `condition` holds; throws when it does not within `limitMs`. */
  until(condition: () => boolean, limitMs: number, what: string, stepMs = 1): void {
    const end = this.nowMs + limitMs;
    while (!condition()) {
      if (this.nowMs >= end) throw new Error(`not within ${limitMs} ms: ${what}`);
      this.run(stepMs);
    }
  }
}

export interface Member {
  readonly name: string;
  readonly address: string;
  readonly storage: TestStorage;
  /** Milliseconds that its wall clock is ahead. */
  skewMs: number;
  endpoint: MemoryEndpoint | undefined;
  node: Node | undefined;
  fatal: string | undefined;
  /** It was asked to leave, and has. */
  departed?: boolean;
  alive: boolean;
}

export class TestCluster {
  readonly timeline = new Timeline();
  readonly network = new MemoryNetwork({
    text: testPrimitives.text,
    defer: (run) => this.timeline.after(1, run),
  });
  readonly members = new Map<string, Member>();
  readonly #rng: Rng;
  readonly log: string[] = [];

  constructor(
    seed: number,
    readonly settings: Partial<NodeSettings> = {},
    readonly founding: { partitions: number; replicas: number } = { partitions: 64, replicas: 3 },
    /** How long every member's store takes to answer a read; 0: before the call returns. */
    readonly readDelayMs = 0,
  ) {
    this.#rng = new Rng(seed);
  }

  /** Starts members n1…nCount, n1 founding, and waits until they agree. */
  static of(count: number, seed = 1, settings: Partial<NodeSettings> = {}): TestCluster {
    const cluster = new TestCluster(seed, settings);
    for (let i = 1; i <= count; i++) cluster.start(`n${i}`);
    cluster.settle();
    return cluster;
  }

  settle(): void {
    const nodes = (): Node[] =>
      [...this.members.values()].filter((member) => member.alive).map((member) => member.node as Node);
    this.timeline.until(
      () =>
        nodes().every(
          (node) => node?.membership.settled() && node.membership.roster.members().length === this.members.size,
        ),
      60_000,
      "settled",
      10,
    );
  }

  start(name: string, storage?: TestStorage, zone = "default"): Member {
    const known = this.members.get(name);
    const member: Member = {
      name,
      address: `${name}:7401`,
      storage: storage ?? known?.storage ?? this.emptyStorage(),
      skewMs: known?.skewMs ?? 0,
      endpoint: undefined,
      node: undefined,
      fatal: undefined,
      alive: true,
    };
    this.members.set(name, member);
    this.#launch(member, zone, name === "n1" ? [] : ["n1:7401"]);
    return member;
  }

  /** A process beside the members: a second one under a name, a copy, a stranger. `settle` and `member` know nothing of it. */
  launchAs(name: string, address: string, storage: TestStorage, seeds: readonly string[] = ["n1:7401"]): Member {
    const member: Member = {
      name,
      address,
      storage,
      skewMs: 0,
      endpoint: undefined,
      node: undefined,
      fatal: undefined,
      alive: true,
    };
    this.#launch(member, "default", seeds);
    return member;
  }

  stampNow(): Stamp {
    return stampAt(1_700_000_000_000 + this.timeline.nowMs);
  }

  emptyStorage(): TestStorage {
    const storage = new TestStorage((delayMs, run) => void this.timeline.after(delayMs, run));
    storage.readDelayMs = this.readDelayMs;
    return storage;
  }

  #launch(member: Member, zone: string, seeds: readonly string[]): void {
    const { timeline } = this;
    const clock: Clock = {
      monotonicMs: () => timeline.nowMs,
      wallMs: () => 1_700_000_000_000 + timeline.nowMs + member.skewMs,
      after: (delayMs, run) =>
        timeline.after(delayMs, () => {
          if (member.alive) run();
        }),
    };
    const rng = this.#rng.fork(`${member.name}/${member.address}/${timeline.nowMs}`);
    const starter: Starter = new Starter({
      primitives: testPrimitives,
      clock,
      rng,
      entropy: (count) => Uint8Array.from({ length: count }, () => rng.below(256)),
      storage: member.storage,
      network: {
        send: (to, envelope) => member.alive && (member.endpoint?.send(to, envelope) ?? false),
        close: (done) => done(),
      },
      log: (level, event, about) =>
        void this.log.push(`${timeline.nowMs} ${member.name} ${level} ${event} ${JSON.stringify(about ?? {})}`),
      name: member.name,
      settings: {
        ...defaultSettings,
        gossipIntervalMs: 100,
        ...this.settings,
        zone,
        seeds,
      },
      partitions: seeds.length === 0 ? this.founding.partitions : undefined,
      replicas: seeds.length === 0 ? this.founding.replicas : undefined,
      onNode: (node, begin) => {
        member.node = node;
        begin({ address: member.address, http: `${member.name}:7400` });
      },
      onDeparted: () => {
        member.departed = true;
      },
      onFatal: (kind, reason) => {
        member.fatal = `${kind}: ${reason}`;
      },
    });
    const guarded = <A extends unknown[]>(run: (...args: A) => void) => {
      return (...args: A): void => {
        if (member.alive) run(...args);
      };
    };
    member.endpoint = this.network.endpoint(member.address, {
      hello: () => starter.hello(),
      clusterId: () => starter.clusterId(),
      handler: {
        admit: (hello) => starter.admit(hello),
        receive: guarded((envelope, link) => starter.receive(envelope, link)),
        refused: guarded((address, reason) => starter.refused(address, reason)),
        lost: guarded((address, sent) => starter.lost(address, sent)),
      },
    });
    starter.start();
  }

  /** The process is gone at once; what its store was told stays, as under a kill. */
  kill(name: string): void {
    const member = this.member(name);
    member.alive = false;
    member.endpoint?.close(() => {});
  }

  restart(name: string): Member {
    return this.start(name);
  }

  /** The power of one machine goes: what its store had not flushed never was. */
  cutPower(name: string): void {
    this.kill(name);
    const { storage } = this.member(name);
    storage.cutPower();
    const member = this.member(name);
    this.members.set(name, { ...member, storage: this.#sameDisk(storage) });
  }

  /** An orderly stop, run to its end. */
  stop(name: string): void {
    this.wait<true>((done) => this.node(name).stop(() => done(true)));
    this.kill(name);
  }

  /** Asks a member to leave, through `by`, and waits until its process may end; then it ends. */
  leave(name: string, by = "n1"): void {
    const asked = this.wait<Outcome<ChangeView>>((done) => this.node(by).leave(name, done));
    if (!asked.ok) throw new Error(asked.failure.detail);
    this.timeline.until(() => this.member(name).departed === true, 60_000, `${name} has left`, 10);
    this.stop(name);
    this.members.delete(name);
  }

  /** Removes a member through `by`. */
  remove(name: string, by = "n1", force = false): Outcome<RemovalView> {
    const removed = this.wait<Outcome<RemovalView>>((done) => this.node(by).remove(name, force, done));
    if (removed.ok) this.members.delete(name);
    return removed;
  }

  /** No frame passes between the two until they are healed. */
  cut(a: string, b: string): void {
    this.network.cut(this.member(a).address, this.member(b).address);
  }

  heal(a: string, b: string): void {
    this.network.heal(this.member(a).address, this.member(b).address);
  }

  #sameDisk(storage: TestStorage): TestStorage {
    const next = new TestStorage((delayMs, run) => void this.timeline.after(delayMs, run), storage.disk);
    next.readDelayMs = storage.readDelayMs;
    return next;
  }

  place(key: string): RecordKey {
    const { id, hash, partition } = keyIdOfBytes(testPrimitives, this.founding.partitions, this.id("b", key));
    return { partition, hash, key: id };
  }

  owners(key: string): readonly string[] {
    return this.node("n1").ring.owners(this.place(key).partition);
  }

  member(name: string): Member {
    const member = this.members.get(name);
    if (member === undefined) throw new Error(`no member ${name}`);
    return member;
  }

  node(name: string): Node {
    const { node } = this.member(name);
    if (node === undefined) throw new Error(`${name} is no node`);
    return node;
  }

  text(bytes: Uint8Array): string {
    return testPrimitives.text.decode(bytes, 0, bytes.length);
  }

  bytes(text: string): Uint8Array {
    const room = new Uint8Array(text.length * 3);
    return room.slice(0, testPrimitives.text.encodeInto(text, room, 0));
  }

  id(bucket: string, key: string): Uint8Array {
    return this.bytes(`${bucket}/${key}`);
  }

  /** A put through `name`, run to its end. */
  put(name: string, key: string, value: string | undefined, more: Partial<PutCommand> = {}): Outcome<PutDone> {
    return this.wait((done) => this.begin(name, key, value, done, more));
  }

  /** A put through `name`, only begun. */
  begin(
    name: string,
    key: string,
    value: string | undefined,
    done: (outcome: Outcome<PutDone>) => void,
    more: Partial<PutCommand> = {},
  ): void {
    this.node(name).put(this.putCommand(key, value, more), 2_000, done);
  }

  putCommand(key: string, value: string | undefined, more: Partial<PutCommand> = {}): PutCommand {
    return {
      kind: "put",
      id: this.id("b", key),
      value: value === undefined ? undefined : this.bytes(value),
      contentType: value === undefined ? "" : "text/plain",
      context: new Uint8Array(),
      w: undefined,
      sloppy: true,
      ifAbsent: false,
      operation: undefined,
      hops: 0,
      ...more,
    };
  }

  /** A get through `name`, run to its end. */
  get(name: string, key: string, more: Partial<GetCommand> = {}): Outcome<Got> {
    const command: GetCommand = {
      kind: "get",
      id: this.id("b", key),
      r: undefined,
      sloppy: true,
      local: false,
      hops: 0,
      ...more,
    };
    return this.wait((done) => this.node(name).get(command, 2_000, done));
  }

  stateOf(got: Outcome<Got>): KeyState {
    if (!got.ok) throw new Error(`get failed: ${got.failure.code} ${got.failure.detail}`);
    const node = [...this.members.values()][0]?.node as Node;
    return got.value.body.length === 0 ? node.states.stateOf(undefined) : node.states.decode(got.value.body);
  }

  /** The values a get through `name` shows, sorted. */
  values(name: string, key: string, more: Partial<GetCommand> = {}): string[] {
    return valued(this.stateOf(this.get(name, key, more)))
      .map((sibling) => this.text(sibling.value))
      .sort();
  }

  contextOf(name: string, key: string): Uint8Array {
    const got = this.get(name, key);
    if (!got.ok) throw new Error(got.failure.code);
    return got.value.context;
  }

  wait<T>(start: (done: (outcome: T) => void) => void): T {
    let outcome: { readonly value: T } | undefined;
    start((value) => (outcome = { value }));
    this.timeline.until(() => outcome !== undefined, 10_000, "an answer");
    return (outcome as { readonly value: T }).value;
  }
}
