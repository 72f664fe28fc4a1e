/** The world of world.ts over virtual time, a simulated network and simulated disks. Everything in it follows from its seed and what is asked of it. */
import { keyIdOf, keyIdOfBytes, limits, Rng, type GetCommand, type KeyId, type Message, type Node } from "@kvorum/core";
import type { Plant, Primitives, PutCommand } from "@kvorum/core";
import { RunDigest } from "../digest.js";
import { Chronicle } from "./chronicle.js";
import { ClientHost } from "./client-host.js";
import type { Member } from "./member.js";
import { SimNetwork } from "./network.js";
import { Operator } from "./operator.js";
import type { Weather } from "./path.js";
import { Roster } from "./roster.js";
import type { WorldShape } from "./shape.js";
import { Timeline } from "./timeline.js";
import type { CrashKind, World, WorldListener } from "./world.js";

export interface WorldOptions {
  readonly seed: number;
  readonly primitives: Primitives;
  readonly shape: WorldShape;
  /** Known bugs to be planted in the nodes. */
  readonly plants?: ReadonlySet<Plant>;
}

const DIAL_TIMEOUT_MS = 1_000;
const STALL_MS = 1_500;
const SETTLE_MS = 60_000;
/** Whether all agree costs something to find out. */
const SETTLED_LOOK_MS = 50;

export class SimulatedWorld implements World {
  readonly digest = new RunDigest();
  readonly timeline = new Timeline(this.digest);
  readonly chronicle = new Chronicle(this.digest);
  readonly primitives: Primitives;
  readonly shape: WorldShape;
  readonly plants: ReadonlySet<Plant>;
  readonly network: SimNetwork;
  readonly roster: Roster;
  readonly #operator: Operator;
  readonly #rng: Rng;
  readonly #clients = new Map<string, ClientHost>();
  /** By bucket, then by key: checkers ask for the same few again and again. */
  readonly #keys = new Map<string, Map<string, KeyId>>();

  constructor(options: WorldOptions) {
    this.primitives = options.primitives;
    this.shape = options.shape;
    this.plants = options.plants ?? new Set();
    this.#rng = new Rng(options.seed);
    this.digest.word(options.seed);
    this.roster = new Roster(this, (meaning) => this.rng(meaning));
    this.#operator = new Operator(this.roster, this.timeline, this.chronicle);
    this.chronicle.on((event) => {
      if (event.kind === "departed") this.roster.depart(event.node);
      // It died between its departure and its word of it: the next start tells.
      if (event.kind === "fatal" && event.cause === "identity" && this.roster.isLeaving(event.node)) {
        this.roster.depart(event.node);
        this.member(event.node).rest();
      }
    });
    const { delayMinMs, delayMaxMs, queueBytesMax } = options.shape;
    this.network = new SimNetwork(this.timeline, this.rng("network"), this.digest, {
      ...{ primitives: options.primitives, delayMinMs, delayMaxMs, queueBytesMax },
      frameBytesMax: limits.frameBytesMax,
      ...{ dialTimeoutMs: DIAL_TIMEOUT_MS, stallMs: STALL_MS },
      onWeather: (kind) => this.chronicle.bit(kind),
      onFull: () => this.chronicle.bit("queue-full"),
      onMalformed: (path, reason) =>
        this.chronicle.tell({ kind: "thrown", node: path.name, error: `malformed: ${reason}` }),
    });
  }

  /** A world whose cluster is founded. @throws Error when that does not succeed. */
  static founded(options: WorldOptions): SimulatedWorld {
    const world = new SimulatedWorld(options);
    if (!world.found()) throw new Error("the founding did not settle");
    return world;
  }

  /** Founds the cluster and lets its members join; false when not all agree within the bound. */
  found(): boolean {
    for (let i = 1; i <= this.shape.nodes; i++) this.start(`n${i}`);
    return this.untilSettled(SETTLE_MS);
  }

  /** Every member that has not departed is up, and all agree on a ring of all of them. */
  get settled(): boolean {
    return this.roster.settled;
  }

  /** False when that did not come within `limitMs`. */
  untilSettled(limitMs: number): boolean {
    return this.until(() => this.settled, limitMs, SETTLED_LOOK_MS);
  }

  // ── Time and chance ──

  get nowMs(): number {
    return this.timeline.nowMs;
  }

  rng(meaning: string): Rng {
    return this.#rng.fork(meaning);
  }

  after(delayMs: number, run: () => void): () => void {
    return this.timeline.after(delayMs, run);
  }

  run(forMs: number): void {
    this.timeline.run(forMs);
  }

  until(condition: () => boolean, limitMs: number, everyMs?: number): boolean {
    return this.timeline.until(condition, limitMs, everyMs);
  }

  // ── Members, looked at ──

  get names(): readonly string[] {
    return this.roster.names;
  }

  /** Members that were placed in that zone. */
  inZone(zone: string): readonly string[] {
    return this.roster.all.filter((member) => member.zone === zone).map(({ name }) => name);
  }

  get standing(): readonly string[] {
    return this.roster.standing;
  }

  member(name: string): Member {
    return this.roster.member(name);
  }

  isUp(name: string): boolean {
    return this.roster.isUp(name);
  }

  node(name: string): Node | undefined {
    return this.member(name).node;
  }

  keyOf(bucket: string, key: string): KeyId {
    const keys = this.#keys.get(bucket) ?? new Map<string, KeyId>();
    this.#keys.set(bucket, keys);
    const known = keys.get(key);
    if (known !== undefined) return known;
    const made = keyIdOf(this.primitives, this.shape.partitions, bucket, key);
    keys.set(key, made);
    return made;
  }

  keyOfId(id: Uint8Array): KeyId {
    return keyIdOfBytes(this.primitives, this.shape.partitions, id);
  }

  flushed(name: string, bucket: string, key: string): Uint8Array | undefined {
    return this.member(name).disk.proven.get(recordKey(this.keyOf(bucket, key)));
  }

  stored(name: string, bucket: string, key: string): Uint8Array | undefined {
    return this.member(name).disk.visible.get(recordKey(this.keyOf(bucket, key)));
  }

  // ── Clients ──

  request(
    client: string,
    node: string,
    message: GetCommand | PutCommand,
    timeoutMs: number,
    done: (reply: Message | undefined) => void,
  ): void {
    this.#client(client).request(this.member(node).address, message, timeoutMs, done);
  }

  // ── What can be done to them ──

  start(name: string): void {
    this.roster.start(name);
  }

  depart(name: string): void {
    this.chronicle.fault("depart", name);
    this.roster.depart(name);
  }

  leave(name: string, by: string): void {
    this.#operator.leave(name, by);
  }

  remove(name: string, by: string): void {
    this.#operator.remove(name, by);
  }

  /** It was asked to, and has not departed yet. */
  isLeaving(name: string): boolean {
    return this.roster.isLeaving(name);
  }

  crash(name: string, how: CrashKind): void {
    this.chronicle.fault(how, name);
    if (this.member(name).isRunning) this.chronicle.bit(how);
    this.member(name).crash(how);
  }

  stop(name: string): void {
    this.chronicle.fault("stop", name);
    this.chronicle.bit("stop");
    this.member(name).stop();
  }

  pause(name: string, forMs: number): void {
    this.chronicle.fault("pause", name, `${Math.round(forMs)} ms`);
    this.member(name).process?.pause(forMs);
    this.chronicle.bit("pause");
  }

  wipe(name: string): void {
    this.member(name).wipe();
  }

  takeCopy(name: string): void {
    this.member(name).takeCopy();
  }

  putBack(name: string): boolean {
    return this.member(name).putBack();
  }

  /** All the others are up and know of the start that the member is in. */
  isStartKnown(name: string): boolean {
    const own = this.node(name)?.membership.roster;
    const instance = own?.instanceOf(name);
    const boot = own?.bootOf(name);
    if (instance === undefined || boot === undefined) return false;
    const others = this.standing.filter((other) => other !== name);
    return others.every((other) => {
      const anotherStart = { instance, starts: [{ boot, start: -1 }] };
      return this.node(other)?.membership.roster.judgeStart(anotherStart) === "later";
    });
  }

  damageFact(name: string, pick: number): boolean {
    return this.member(name).damageFact(pick);
  }

  partition(from: readonly string[], to: readonly string[], direction: "one-way" | "both"): () => void {
    this.chronicle.fault("partition", from.join("+"), `${direction === "both" ? "<>" : ">"} ${to.join("+")}`);
    const heal = this.network.close(from, to, direction);
    return () => {
      this.chronicle.fault("heal", from.join("+"), to.join("+"));
      heal();
    };
  }

  clog(from: readonly string[], to: readonly string[]): () => void {
    this.chronicle.fault("clog", from.join("+"), `> ${to.join("+")}`);
    return this.network.clog(from, to);
  }

  storm(from: readonly string[], to: readonly string[], weather: Partial<Weather>): () => void {
    this.chronicle.fault("storm", from.join("+"), `> ${to.join("+")} ${JSON.stringify(weather)}`);
    return this.network.storm(from, to, weather);
  }

  healAll(): void {
    this.chronicle.fault("heal", "all");
    this.network.heal();
    for (const member of this.roster.all) {
      member.wall.heal();
      member.disk.heal();
      member.process?.resume();
    }
  }

  skew(name: string, byMs: number): void {
    this.chronicle.fault("skew", name, `${Math.round(byMs)} ms`);
    this.member(name).wall.jump(byMs);
    this.chronicle.bit("skew");
  }

  damage(name: string, bucket: string, key: string): boolean {
    return this.damageRecord(name, this.keyOf(bucket, key));
  }

  damageRecord(name: string, key: KeyId): boolean {
    const isDone = this.member(name).damage(recordKey(key));
    if (isDone) {
      this.chronicle.fault("damage", name, this.primitives.text.decode(key.id, 0, key.id.length));
      this.chronicle.bit("damage");
    }
    return isDone;
  }

  fillDisk(name: string, full: boolean): void {
    this.chronicle.fault(full ? "disk-full" : "disk-free", name);
    this.member(name).disk.full = full;
  }

  failFlush(name: string): void {
    this.chronicle.fault("fail-flush", name);
    this.member(name).disk.failNextFlush = true;
  }

  slowDisk(name: string, factor: number): void {
    this.chronicle.fault("slow-disk", name, `x${factor.toFixed(1)}`);
    this.member(name).disk.slowness = factor;
  }

  // ── Who looks on ──

  on(listener: WorldListener): () => void {
    return this.chronicle.on(listener);
  }

  get faults(): ReadonlyMap<string, number> {
    return this.chronicle.faults;
  }

  get peaks(): { readonly queueBytes: number; readonly frameBytes: number } {
    return this.network.peaks;
  }

  #client(name: string): ClientHost {
    const known = this.#clients.get(name);
    if (known !== undefined) return known;
    const client = new ClientHost(name, this.network, (error) => {
      // A client is part of the test: what it throws is no finding, but a broken test.
      throw error;
    });
    this.#clients.set(name, client);
    return client;
  }
}

function recordKey(key: KeyId): { partition: number; hash: bigint; key: Uint8Array } {
  return { partition: key.partition, hash: key.hash, key: key.id };
}
