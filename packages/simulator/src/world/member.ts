/** A member's machine: its disk and its clock stay, its processes come and go. Each process is the shipped node over simulated ports. */
import {
  Starter,
  type Envelope,
  type Link,
  type Node,
  type Plant,
  type RecordKey,
  type Rng,
  type Storage,
} from "@kvorum/core";
import type { Chronicle } from "./chronicle.js";
import { Disk, type DiskCopy } from "./disk.js";
import { DiskStorage, type FlushWatch } from "./disk-storage.js";
import { LogDisk } from "./log-disk.js";
import { LogDiskStorage } from "./log-disk-storage.js";
import { Endpoint } from "./endpoint.js";
import type { SimNetwork } from "./network.js";
import { Process } from "./process.js";
import { settingsOf } from "./settings.js";
import type { WorldShape } from "./shape.js";
import { WallClock } from "./wall-clock.js";
import type { CrashKind } from "./world.js";

/** The world as its members see it. */
export interface Surroundings {
  readonly network: SimNetwork;
  readonly shape: WorldShape;
  readonly plants: ReadonlySet<Plant>;
  readonly chronicle: Chronicle;
}

const BELIEVED = "no other member could say";
/** How long whoever looks after the members takes to start one again whose process ended by itself. */
const RESTART_MS = 400;

export class Member {
  readonly disk: Disk;
  readonly wall: WallClock;
  readonly address: string;
  /** It shall run; a process that ends by itself is started again. */
  #wanted = false;
  #process: Process | undefined;
  #endpoint: Endpoint | undefined;
  #storage: Storage | undefined;
  #node: Node | undefined;
  #boots = 0;
  /** The process that was told to stop. */
  #stopping: Process | undefined;
  /** Something was damaged that may be what the folder says of itself: then its node may refuse it. */
  #isFolderDamaged = false;
  #copy: { readonly of: DiskCopy; readonly isDamaged: boolean } | undefined;
  /** What lies on its disk is a copy that was put back. */
  #isOldCopy = false;

  constructor(
    readonly name: string,
    readonly zone: string,
    readonly world: Surroundings,
    readonly rng: Rng,
    /** Addresses to join through; none for the founder's first start. */
    readonly seeds: (isFirstStart: boolean) => readonly string[],
  ) {
    this.address = addressOf(name);
    this.disk =
      world.shape.engine === "log"
        ? new LogDisk(rng.fork("disk"), world.network.options.primitives)
        : new Disk(rng.fork("disk"));
    this.wall = new WallClock(world.network.timeline);
  }

  /** The node, once it has taken up its place. */
  get node(): Node | undefined {
    return this.#node;
  }

  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  get process(): Process | undefined {
    return this.#process;
  }

  start(): void {
    this.#wanted = true;
    if (this.#process !== undefined) return;
    this.#boots++;
    const process = new Process(this.world.network.timeline, this.wall, (error) => this.#threw(process, error));
    this.#process = process;
    this.#compose(process);
  }

  crash(how: CrashKind): void {
    this.#wanted = false;
    this.#end(how, how === "power");
  }

  /** A clean stop: as the runtime does it, the node first, then the network, then the disk. */
  stop(): void {
    this.#wanted = false;
    const [process, node, endpoint, storage] = [this.#process, this.#node, this.#endpoint, this.#storage];
    if (process === undefined || node === undefined || storage === undefined) return this.#end("stop", false);
    // It has left and is on its way out, or was told so before.
    if (this.#stopping === process) return;
    this.#stopping = process;
    process.run(() =>
      node.stop(() => endpoint?.close(() => storage.close(() => process.alive && this.#end("stop", false)))),
    );
  }

  /** It is not started again when its process has ended. */
  rest(): void {
    this.#wanted = false;
  }

  #end(how: string, isPowerCut: boolean): void {
    const process = this.#process;
    if (process === undefined) return;
    process.end();
    this.#endpoint?.vanish(isPowerCut);
    const before = this.disk.unflushedBatches;
    if (isPowerCut) this.#powerGone();
    else if (how !== "stop") this.disk.loseHeld();
    if (isPowerCut && before > 0) this.world.chronicle.bit("unflushed-lost");
    this.#process = undefined;
    this.#node = undefined;
    this.world.chronicle.tell({ kind: "down", node: this.name, how });
    // It ended by itself, or was told to start again while it was still finishing its requests.
    if (this.#wanted) this.#again();
  }

  #powerGone(): void {
    if (this.disk.lose()) this.world.chronicle.bit("torn");
  }

  #again(): void {
    this.world.network.timeline.after(RESTART_MS, () => {
      if (this.#wanted) this.start();
    });
  }

  #threw(process: Process, error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.world.chronicle.tell({ kind: "thrown", node: this.name, error: text });
    if (process !== this.#process) return;
    this.#end("exception", false);
  }

  #fatal(process: Process, kind: string, reason: string): void {
    if (process !== this.#process) return;
    const { chronicle } = this.world;
    const isOfDamage = kind === "folder" && this.#isFolderDamaged;
    const isOfCopy = kind === "identity" && this.#isOldCopy;
    const cause = isOfDamage ? "damage" : isOfCopy ? "copy" : kind;
    chronicle.tell({ kind: "fatal", node: this.name, cause, reason });
    this.#end("fatal", false);
    // It says what to do, and its operator does it.
    if (isOfDamage || isOfCopy) this.wipe();
  }

  /** Its disk is emptied, while nothing runs on it. */
  wipe(): void {
    if (this.isRunning) throw new Error(`${this.name} runs: only a dead member's disk is wiped`);
    this.#isFolderDamaged = false;
    this.#isOldCopy = false;
    this.world.chronicle.fault("wipe", this.name);
    this.world.chronicle.bit("wipe");
    this.disk.wipe();
  }

  /** A bit of a record flips; false where none could. In a log it may lie in the head of the record, and then facts beside it may be lost too. */
  damage(key: RecordKey): boolean {
    if (!this.disk.damage(key)) return false;
    if (this.disk instanceof LogDisk) this.#isFolderDamaged = true;
    return true;
  }

  /** Somebody copies its folder, while nothing runs on it. */
  takeCopy(): void {
    this.#copy = { of: this.disk.copy(), isDamaged: this.#isFolderDamaged };
  }

  /** Its disk is gone, and on the new one lies the copy; false without one. */
  putBack(): boolean {
    if (this.#copy === undefined) return false;
    const { of, isDamaged } = this.#copy;
    this.wipe();
    this.disk.putBack(of);
    this.#isFolderDamaged = isDamaged;
    this.#copy = undefined;
    this.#isOldCopy = true;
    this.world.chronicle.fault("old-copy", this.name);
    this.world.chronicle.bit("old-copy");
    return true;
  }

  /** A bit of a named fact flips, in one that `pick` (0 to 1) chooses; false where none could. */
  damageFact(pick: number): boolean {
    const names = this.disk.proven.metaNames("");
    const name = names[Math.floor(pick * names.length)];
    if (name === undefined || !this.disk.damageFact(name)) return false;
    this.#isFolderDamaged = true;
    this.world.chronicle.fault("damage-fact", this.name, name);
    this.world.chronicle.bit("damage-fact");
    return true;
  }

  #compose(process: Process): void {
    const { world, name, zone, address } = this;
    const { shape } = world;
    const boot = this.#boots;
    const rng = this.rng.fork(`boot/${boot}`);
    const storage = this.#openStorage(process);
    const starter: Starter = new Starter({
      ...{ primitives: world.network.options.primitives, clock: process.clock, storage, name },
      plants: world.plants,
      rng,
      entropy: (count) => Uint8Array.from({ length: count }, () => rng.below(256)),
      network: {
        send: (to, envelope) => process.alive && endpoint.send(to, envelope),
        close: (done) => endpoint.close(done),
      },
      log: (level, text, about) => {
        world.chronicle.tell({ kind: "log", node: name, level, text, about: about ?? {} });
        // Who puts a copy back is told not to go on with it, unless it is all there is (decision 25).
        if (this.#isOldCopy && text.startsWith(BELIEVED)) this.#fatal(process, "identity", text);
        if (text === "ring") world.chronicle.tell({ kind: "ring", node: name, version: String(about?.["version"]) });
      },
      settings: settingsOf(shape, zone, this.seeds(boot === 1)),
      partitions: boot === 1 ? shape.partitions : undefined,
      replicas: boot === 1 ? shape.replicas : undefined,
      onNode: (node, begin) => {
        this.#node = node;
        begin({ address, http: `${name}:7400` });
        world.chronicle.tell({ kind: "up", node: name, boot });
      },
      onDeparted: () => {
        world.chronicle.tell({ kind: "departed", node: name });
        this.stop();
      },
      onFatal: (kind, reason) => this.#fatal(process, kind, reason),
    });
    const endpoint = new Endpoint(world.network, {
      ...{ name, address, process },
      hello: () => starter.hello(),
      clusterId: () => starter.clusterId(),
      handler: {
        admit: (hello) => starter.admit(hello),
        receive: (envelope, link) => this.#receive(starter, envelope, link),
        refused: (from, reason) => starter.refused(from, reason),
        lost: (to, sent) => starter.lost(to, sent),
      },
    });
    this.#endpoint = endpoint;
    world.network.open(endpoint);
    process.run(() => starter.start());
  }

  #openStorage(process: Process): Storage {
    const { world, name, disk } = this;
    const watch: FlushWatch = {
      flushing: (batches) => world.chronicle.tell({ kind: "flushing", node: name, batches }),
      flushed: (batches) => world.chronicle.tell({ kind: "flushed", node: name, batches }),
      failed: () => world.chronicle.bit("flush-failed"),
      torn: () => world.chronicle.bit("torn"),
      refused: () => world.chronicle.bit("disk-full"),
      slowed: () => world.chronicle.bit("disk-slow"),
    };
    this.#storage =
      disk instanceof LogDisk
        ? new LogDiskStorage(disk, process, world.shape, watch)
        : new DiskStorage(disk, process, world.shape, watch);
    return this.#storage;
  }

  /** What comes in goes to the node as it is; on the way it is told to whoever aims or checks. */
  #receive(starter: Starter, envelope: Envelope, link: Link): void {
    const { message } = envelope;
    const { name, world } = this;
    if (message.kind === "store") {
      starter.receive(envelope, link);
      world.chronicle.tell({ kind: "merging", node: name, from: link.hello.name, id: message.id });
      return;
    }
    if (message.kind !== "put" && message.kind !== "get") return starter.receive(envelope, link);
    const isClient = link.hello.role === "client";
    if (isClient) world.chronicle.tell({ kind: "asked", node: name, client: link.hello.name, message });
    if (message.kind === "get") return starter.receive(envelope, link);
    const { id } = message;
    // The one that passes a write on says only what its coordinator said before it: that one's word is the acknowledgement.
    const coordinates = (): boolean =>
      message.hops > 0 || this.#node?.ownsPartition(this.#node.keyOfId(id).partition) === true;
    starter.receive(envelope, {
      hello: link.hello,
      reply: (requestId, reply) => {
        link.reply(requestId, reply);
        // A member that owns nothing of the key coordinates too, as a fallback, when no owner can be had.
        if (reply.kind !== "put-done" || (!coordinates() && reply.fallbacks === 0)) return;
        const { needed, received, context } = reply;
        const to = link.hello.name;
        world.chronicle.tell({ kind: "acknowledged", node: name, to, message, needed, received, context });
      },
    });
  }
}

/** Where the member of this name is reached. */
export function addressOf(name: string): string {
  return `${name}:7401`;
}
