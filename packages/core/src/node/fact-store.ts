/**
 * The gossip state with a disk under it: what this node says durably is on its own disk first, what it hears durably is on its disk
 * before it acts on it, and both are there again after a restart, which is why a restart needs no seeds.
 */
import { MalformedError, Reader, Writer } from "../base/bytes.js";
import type { Primitives } from "../base/primitives.js";
import type { Rng } from "../base/rng.js";
import { seal, unseal } from "../base/sealed.js";
import { decodeOrigin, encodeOrigin } from "../gossip/codec.js";
import type { GossipMessage, OriginSnapshot } from "../gossip/messages.js";
import { GossipState, type PublishedEntry, type Received } from "../gossip/state.js";
import type { MetaWrite, Storage, StorageError } from "../ports/storage.js";
import { addressKey, factPrefix } from "./facts.js";

const ownPrefix = "own/";
const originPrefix = "origin/";

export interface FactStoreOptions {
  readonly primitives: Primitives;
  readonly storage: Storage;
  readonly rng: Rng;
  readonly instance: number;
  readonly boot: number;
}

export class FactStore {
  private constructor(
    readonly options: FactStoreOptions,
    readonly gossip: GossipState,
    /** Stored facts of others that could not be read: gossip brings them again. */
    readonly damaged: number,
    /** This node's own facts that could not be read. Nobody brings them: a new incarnation that does not say them takes them back. */
    readonly ownDamaged: readonly string[],
  ) {}

  /** Reads what is on disk and takes up gossip from there. */
  static load(options: FactStoreOptions, done: (store: FactStore) => void): void {
    const { primitives, storage, instance, boot, rng } = options;
    const republish = new Map<string, Uint8Array>();
    const snapshots: OriginSnapshot[] = [];
    const ownDamaged: string[] = [];
    let damaged = 0;
    const readOwn = (name: string, value: Uint8Array): void => {
      const key = name.slice(ownPrefix.length);
      const bytes = unseal(primitives, name, value);
      if (bytes !== undefined) republish.set(key, bytes.slice());
      // Where it is reached, a node says anew at every start.
      else if (key !== addressKey) ownDamaged.push(key);
    };
    const readOrigin = (name: string, value: Uint8Array): void => {
      const snapshot = snapshotOf(primitives, unseal(primitives, name, value));
      if (snapshot === undefined) damaged++;
      else snapshots.push(snapshot);
    };
    storage.scanMeta(ownPrefix, readOwn, () => {
      storage.scanMeta(originPrefix, readOrigin, () => {
        const gossip = new GossipState({ instance, boot, rng: rng.fork("gossip"), republish });
        gossip.restore(snapshots);
        done(new FactStore(options, gossip, damaged, ownDamaged));
      });
    });
  }

  /** How a fact of this node's own lies on its disk: for a founder, whose first facts are written with its identity. */
  static ownMeta(primitives: Primitives, key: string, value: Uint8Array): MetaWrite {
    const name = ownPrefix + key;
    return { name, value: seal(primitives, name, value) };
  }

  /** How what is known of another origin lies on disk: whole, since a part could not say up to which version it is true. */
  static originMeta(primitives: Primitives, snapshot: OriginSnapshot): MetaWrite {
    const name = originPrefix + snapshot.instance.toString(16).padStart(12, "0");
    const writer = new Writer(primitives.text);
    encodeOrigin(writer, snapshot);
    return { name, value: seal(primitives, name, writer.take()) };
  }

  /** Says a durable fact: `done` comes once it is on this node's disk, and only then does anybody hear of it. */
  publish(key: string, value: Uint8Array, done: (error: StorageError | undefined) => void): void {
    const { primitives, storage } = this.options;
    storage.apply({ meta: [FactStore.ownMeta(primitives, key, value)] }, (error) => {
      if (error === undefined) this.gossip.set(key, value);
      done(error);
    });
  }

  /** Says something that need not outlive this boot. */
  say(key: string, value: Uint8Array): void {
    this.gossip.set(key, value);
  }

  /** Takes a gossip message. `done` comes when its durable facts are on disk; the reply may go out at once. */
  receive(message: GossipMessage, done: (received: Received) => void): GossipMessage | undefined {
    const received = this.gossip.receive(message);
    const origins = new Set<number>();
    for (const change of received.changes) if (change.key.startsWith(factPrefix)) origins.add(change.instance);
    this.#keep(origins, () => done(received));
    return received.reply;
  }

  snapshots(): OriginSnapshot[] {
    return this.gossip
      .origins()
      .map(({ instance }) => this.gossip.snapshot(instance))
      .filter((snapshot) => snapshot !== undefined);
  }

  entries(prefix: string): PublishedEntry[] {
    return this.gossip.entriesWithPrefix(prefix);
  }

  #keep(instances: Iterable<number>, done: () => void): void {
    const meta: MetaWrite[] = [];
    for (const instance of instances) {
      const snapshot = this.gossip.snapshot(instance);
      if (snapshot !== undefined) meta.push(FactStore.originMeta(this.options.primitives, snapshot));
    }
    if (meta.length === 0) done();
    // A fact that could not be kept is acted on all the same: its author has it, and gossip brings it after a restart.
    else this.options.storage.apply({ meta }, () => done());
  }
}

function snapshotOf(primitives: Primitives, bytes: Uint8Array | undefined): OriginSnapshot | undefined {
  if (bytes === undefined) return undefined;
  try {
    return decodeOrigin(new Reader(primitives.text, bytes.slice()));
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

/** Origins one after the other, for a welcome. */
export function encodeSnapshots(primitives: Primitives, snapshots: readonly OriginSnapshot[]): Uint8Array {
  const writer = new Writer(primitives.text);
  writer.uvarint(snapshots.length);
  for (const snapshot of snapshots) {
    const each = new Writer(primitives.text);
    encodeOrigin(each, snapshot);
    writer.blob(each.view());
  }
  return writer.take();
}

/** @throws MalformedError */
export function decodeSnapshots(primitives: Primitives, bytes: Uint8Array): OriginSnapshot[] {
  const reader = new Reader(primitives.text, bytes);
  const snapshots = Array.from({ length: reader.count() }, () =>
    decodeOrigin(new Reader(primitives.text, reader.blob())),
  );
  reader.finish();
  return snapshots;
}
