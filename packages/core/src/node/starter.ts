/**
 * From a data folder to a node: a known folder goes on where it stopped, an empty one founds a cluster or, with seeds, joins one, asking each in
 * turn until one answers. Who the node is, is on disk before anybody hears of it.
 */
import { MalformedError, Reader } from "../base/bytes.js";
import { HybridClock } from "../base/hlc.js";
import { limits } from "../base/limits.js";
import type { Primitives } from "../base/primitives.js";
import type { Rng } from "../base/rng.js";
import type { Clock } from "../ports/clock.js";
import type { Address, Link, Network, NetworkHandler } from "../ports/network.js";
import type { Batch, MetaWrite, Storage, StorageError } from "../ports/storage.js";
import { membershipEventId, type MembershipEvent } from "../ring/membership-log.js";
import { readRecords } from "../ring/owners-codec.js";
import type { OwnersRecord } from "../ring/owners-record.js";
import { NO_CLUSTER } from "../wire/frame.js";
import type { Envelope, Hello, Welcome } from "../wire/messages.js";
import { bootMetaName, decodeBoot, encodeBoot, nextBoot, type BootRecord } from "./actors.js";
import { BucketTags } from "./bucket-tags.js";
import { Checkpoints } from "./checkpoints.js";
import type { Log } from "./context.js";
import { decodeSnapshots, FactStore } from "./fact-store.js";
import { encodeMemberFact, memberPrefix } from "./facts.js";
import {
  decodeDisowned,
  decodeIdentity,
  decodeJoining,
  encodeIdentity,
  disownedMetaName,
  encodeJoining,
  identityMetaName,
  joiningMetaName,
  type Identity,
} from "./identity.js";
import { loadHints } from "./hints.js";
import { Joining } from "./joining.js";
import { Node } from "./node.js";
import { OwnersTable } from "./owners-table.js";
import type { NodeOptions } from "./parts.js";
import { NO_PLANTS, type Plant } from "./plants.js";
import type { NodeSettings, Whereabouts } from "./settings.js";
import { WatchedStorage } from "./watched-storage.js";
import { decodeWhole, encodeWhole, wholeMetaName } from "./whole.js";

export interface StartOptions {
  readonly primitives: Primitives;
  readonly clock: Clock;
  /** Seeded from real entropy in production: cluster ids, instance ids and the cluster's secret are drawn from `entropy` instead. */
  readonly rng: Rng;
  /** That many bytes nobody can guess. */
  readonly entropy: (count: number) => Uint8Array;
  readonly storage: Storage;
  readonly network: Network;
  readonly log: Log;
  /** Bugs to plant; only the simulator has any. */
  readonly plants?: ReadonlySet<Plant>;
  readonly name: string;
  readonly settings: NodeSettings;
  /** Q and N, for founding; undefined where the operator did not say. */
  readonly partitions: number | undefined;
  readonly replicas: number | undefined;
  /** The node knows who it is; `begin`, called when its doors are open, makes it take up its place. */
  readonly onNode: (node: Node, begin: (whereabouts: Whereabouts) => void) => void;
  /** The node was asked to leave, and has: its data is with the others. */
  readonly onDeparted?: () => void;
  /** `config`: the operator asked for what can't be. `folder`: this data folder must not be used. `storage`: the disk failed. */
  readonly onFatal: (kind: "config" | "folder" | "storage" | "identity", reason: string) => void;
}

/** What the data folder says. */
type Known = Pick<
  NodeOptions,
  "identity" | "boot" | "start" | "facts" | "whole" | "tags" | "hints" | "owners" | "checkpoints"
>;

export const PARTITIONS_DEFAULT = 256;
export const REPLICAS_DEFAULT = 3;
const SECRET_BYTES = 32;

/** The network's handler for the life of the process: first for joining, then for the node. */
export class Starter implements NetworkHandler {
  readonly #options: StartOptions & { readonly storage: WatchedStorage };
  #identity: Identity | undefined;
  #joining: Joining | undefined;
  #node: Node | undefined;
  /** Records were lost that nobody can name: this start takes nothing here for whole (DESIGN §8). */
  #hasLosses = false;

  constructor(options: StartOptions) {
    this.#options = { ...options, storage: new WatchedStorage(options.storage, options.clock) };
  }

  /** What the network says of this side when it opens a connection. */
  hello(): Hello {
    const { name } = this.#options;
    if (this.#identity !== undefined) return { kind: "hello", role: "member", name, instance: this.#identity.instance };
    return { kind: "hello", role: "joiner", name, instance: this.#joining?.instance ?? 0 };
  }

  clusterId(): bigint {
    return this.#identity?.clusterId ?? NO_CLUSTER;
  }

  start(): void {
    const { storage, log } = this.#options;
    storage.losses(({ records, facts }) => {
      if (facts)
        return this.#unusable("what it knew", "a part of the store that may have held facts about this member");
      if (records) log("error", "records were lost; every partition is filled from the other members again", {});
      this.#hasLosses = records;
      this.#find();
    });
  }

  #find(): void {
    const { storage, primitives } = this.#options;
    storage.getMeta(identityMetaName, (outcome) => {
      const identity = decodeIdentity(primitives, outcome);
      if (identity === "damaged") {
        this.#unusable("whose it is", "its identity record");
      } else if (identity !== undefined) {
        this.#resumeUnlessDisowned(identity);
      } else if (this.#options.settings.seeds.length > 0) {
        this.#join();
      } else {
        this.#foundUnlessJoining();
      }
    });
  }

  /** A folder that was restored, or began to join, belongs to a cluster that there is: it founds none. */
  #foundUnlessJoining(): void {
    const { storage, onFatal } = this.#options;
    storage.getMeta(joiningMetaName, (outcome) => {
      if (outcome.kind === "absent") return this.#found();
      onFatal(
        "config",
        "this data folder was restored or has begun to join a cluster: start it with --seeds, the peer address of a member",
      );
    });
  }

  // ── NetworkHandler ──

  admit(hello: Hello): string | undefined {
    return this.#node === undefined ? "this node is still starting" : this.#node.admit(hello);
  }

  receive(envelope: Envelope, link: Link): void {
    if (this.#node !== undefined) return this.#node.receive(envelope, link);
    this.#joining?.take(envelope.requestId, envelope.message);
  }

  refused(address: Address, reason: string): void {
    this.#node?.refused(address, reason);
  }

  lost(address: Address, sent: boolean): void {
    this.#node?.lost(address, sent);
  }

  // ── The three ways to begin ──

  #resumeUnlessDisowned(identity: Identity): void {
    const { storage, primitives, onFatal } = this.#options;
    storage.getMeta(disownedMetaName, (outcome) => {
      const reason = decodeDisowned(primitives, outcome);
      if (reason === undefined) return this.#resume(identity);
      onFatal(
        "folder",
        `the data folder was refused before and is refused for ever: ${reason}; start with an empty folder, or with one that kvorum restore made`,
      );
    });
  }

  #resume(identity: Identity): void {
    const { name, partitions, replicas, onFatal } = this.#options;
    if (identity.name !== name) {
      onFatal("config", `the data folder is of member ${identity.name}, not ${name}; use its name, or another folder`);
    } else if (partitions !== undefined && partitions !== identity.partitions) {
      onFatal(
        "config",
        `the cluster was founded with ${identity.partitions} partitions, which can't be changed to ${partitions}`,
      );
    } else if (replicas !== undefined && replicas !== identity.replicas) {
      onFatal(
        "config",
        `the cluster was founded with ${identity.replicas} replicas, which can't be changed to ${replicas}`,
      );
    } else {
      this.#boot(identity, []);
    }
  }

  #found(): void {
    const { primitives, entropy, name, settings, clock } = this.#options;
    const instance = drawInstance(entropy);
    const partitions = this.#options.partitions ?? PARTITIONS_DEFAULT;
    const identity: Identity = {
      clusterId: new DataView(entropy(8).buffer).getBigUint64(0) | 1n,
      secret: entropy(SECRET_BYTES),
      name,
      instance,
      partitions,
      replicas: this.#options.replicas ?? REPLICAS_DEFAULT,
    };
    const stamp = new HybridClock(limits.clockSkewMaxMs).next(clock.wallMs());
    if (stamp === undefined) return this.#options.onFatal("config", "this machine's clock can't be read");
    const { zone, weight } = settings;
    const event: MembershipEvent = { kind: "joined", stamp, by: instance, name, instance, zone, weight };
    const fact = FactStore.ownMeta(
      primitives,
      memberPrefix + membershipEventId(event),
      encodeMemberFact(primitives, event),
    );
    const all = new Set(Array.from({ length: partitions }, (_, partition) => partition));
    const record: OwnersRecord = { epoch: 1, from: [], to: [name], phase: 3 };
    const owners = OwnersTable.firstMeta(
      primitives,
      [...all].map((partition) => ({ partition, record })),
    );
    const whole = encodeWhole(primitives, all, partitions);
    this.#options.log("info", "founding a cluster", { partitions, replicas: identity.replicas });
    this.#boot(identity, [encodeIdentity(primitives, identity), fact, whole, ...owners]);
  }

  #join(): void {
    const { storage, primitives, entropy, clock, network, log, name, settings, onFatal } = this.#options;
    storage.getMeta(joiningMetaName, (outcome) => {
      const instance = decodeJoining(primitives, outcome) ?? drawInstance(entropy);
      storage.apply({ meta: [encodeJoining(primitives, instance)] }, (error) => {
        if (error !== undefined) return this.#diskFailed(error);
        this.#joining = new Joining({
          ...{ clock, network, log, name, settings, instance },
          onWelcome: (welcome) => this.#welcomed(instance, welcome),
          onRefused: (reason) => onFatal("config", reason),
        });
        this.#joining.ask();
      });
    });
  }

  #unusable(untold: string, damaged: string): void {
    this.#options.onFatal(
      "folder",
      `the data folder can't tell ${untold}: ${damaged} is damaged; start with an empty folder under the same name to refill it from the other members`,
    );
  }

  #diskFailed(error: StorageError): void {
    const what = error === "full" ? "has no space" : "failed";
    this.#options.onFatal("storage", `the disk under the data folder ${what}; nothing was started`);
  }

  #welcomed(instance: number, welcome: Welcome): void {
    const { primitives, name } = this.#options;
    const { clusterId, partitions, replicas } = welcome;
    const identity: Identity = { clusterId, secret: welcome.secret.slice(), name, instance, partitions, replicas };
    try {
      const known = decodeSnapshots(primitives, welcome.gossip.slice());
      const origins = known.map((snapshot) => FactStore.originMeta(primitives, snapshot));
      const joined = { name: joiningMetaName, value: undefined };
      const records = readRecords(new Reader(primitives.text, welcome.owners.slice()));
      const owners = OwnersTable.firstMeta(primitives, records);
      this.#boot(identity, [encodeIdentity(primitives, identity), joined, ...origins, ...owners]);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.#options.onFatal("config", `the seed's welcome can't be read: ${error.message}; is it of another version?`);
    }
  }

  /** Counts the start, durably and in one batch with what a new folder is told about itself; then reads the facts and is a node. */
  #boot(identity: Identity, news: readonly MetaWrite[]): void {
    const { storage, primitives } = this.#options;
    storage.getMeta(bootMetaName, (outcome) => {
      const last = decodeBoot(primitives, outcome);
      if (last === "damaged") return this.#unusable("how often it was started", "its boot record");
      const start = Math.floor(this.#options.rng.fork("start").float() * 2 ** 48);
      const boot = nextBoot(last && { ...last, clean: last.clean && !this.#hasLosses }, start);
      const meta = [encodeBoot(primitives, boot), ...news];
      const keep = (batch: Batch): void =>
        storage.apply(batch, (error) => {
          if (error === undefined) this.#load(identity, boot, start);
          else this.#diskFailed(error);
        });
      if (this.#hasLosses) this.#doubtAll(identity, (doubts) => keep({ meta: [...meta, ...doubts], heard: true }));
      else keep({ meta });
    });
  }

  /** Nothing is whole, and what was merged from others before may be among what was lost. */
  #doubtAll({ partitions }: Identity, done: (meta: readonly MetaWrite[]) => void): void {
    const { primitives, storage } = this.#options;
    const nothing = encodeWhole(primitives, new Set(), partitions);
    Checkpoints.removals(storage, (removals) => done([nothing, ...removals]));
  }

  #load(identity: Identity, boot: BootRecord, start: number): void {
    const { storage, primitives, rng, log } = this.#options;
    const { instance } = identity;
    FactStore.load({ primitives, storage, rng, instance, boot: boot.boot }, (facts) => {
      if (facts.ownDamaged.length > 0) {
        return this.#unusable("what this member has told the cluster", facts.ownDamaged.join(", "));
      }
      if (facts.damaged > 0) log("error", "damaged facts; gossip brings them again", { count: facts.damaged });
      storage.getMeta(wholeMetaName, (outcome) => {
        const whole = decodeWhole(primitives, outcome);
        BucketTags.load(primitives, storage, (tags) => {
          loadHints({ primitives, storage }, (hints, damaged) => {
            if (damaged > 0) log("error", "damaged hints, made whole from what they stand by", { count: damaged });
            this.#loadOwners(identity, (owners, checkpoints) =>
              this.#begin({ identity, boot, start, facts, whole, tags, hints, owners, checkpoints }),
            );
          });
        });
      });
    });
  }

  #loadOwners(identity: Identity, done: (owners: OwnersTable, checkpoints: Checkpoints) => void): void {
    const { storage, primitives, log } = this.#options;
    OwnersTable.load({ primitives, storage, partitions: identity.partitions }, (owners, damaged) => {
      if (damaged > 0) log("error", "damaged records of owners; the other members tell them again", { count: damaged });
      Checkpoints.load(primitives, storage, (checkpoints) => done(owners, checkpoints));
    });
  }

  #begin(known: Known): void {
    const { primitives, clock, rng, storage, network, log, settings, plants = NO_PLANTS } = this.#options;
    this.#identity = known.identity;
    const node = new Node({
      ...{ primitives, clock, rng, storage, network, log, settings, plants, ...known },
      onDeparted: () => this.#options.onDeparted?.(),
      onFatal: (kind, reason) => this.#options.onFatal(kind, reason),
    });
    this.#options.onNode(node, (whereabouts) => {
      this.#node = node;
      node.start(whereabouts);
    });
  }
}

function drawInstance(entropy: (count: number) => Uint8Array): number {
  const bytes = entropy(6);
  return bytes.reduce((number, byte) => number * 256 + byte, 0) || 1;
}
