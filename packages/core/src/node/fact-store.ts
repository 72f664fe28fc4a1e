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

/** Durable facts that were heard, until they are on disk; `done` acts on them. */
interface News {
  readonly instances: ReadonlySet<number>;
  /** Each fact as `instance/key`. */
  readonly names: readonly string[];
  readonly done: () => void;
}

export class FactStore {
  /** Heard and not on this node's disk yet: a ring that it went by and then forgot would be a promise broken. */
  readonly #unkept = new Set<string>();
  /** What found no space: it is written with whatever comes next. */
  #waiting: readonly News[] = [];

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
    return { name, value: seal(primitives, name, writer.view()) };
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
    const facts = received.changes.filter(({ key }) => key.startsWith(factPrefix));
    const instances = new Set(facts.map(({ instance }) => instance));
    const news = { instances, names: facts.map(nameOf), done: () => done(received) };
    for (const name of news.names) this.#unkept.add(name);
    if (facts.length === 0) done(received);
    if (facts.length > 0 || this.#waiting.length > 0) this.#keep(facts.length > 0 ? [news] : []);
    return received.reply;
  }

  snapshots(): OriginSnapshot[] {
    return this.gossip
      .origins()
      .map(({ instance }) => this.gossip.snapshot(instance))
      .filter((snapshot) => snapshot !== undefined);
  }

  /** Durable facts among them are on this node's disk. */
  entries(prefix: string): PublishedEntry[] {
    return this.gossip.entriesWithPrefix(prefix).filter((entry) => !this.#unkept.has(nameOf(entry)));
  }

  #keep(more: readonly News[]): void {
    const { primitives, storage } = this.options;
    const all = [...this.#waiting, ...more];
    this.#waiting = [];
    const instances = new Set(all.flatMap((news) => [...news.instances]));
    const snapshots = [...instances].map((instance) => this.gossip.snapshot(instance));
    const meta = snapshots.filter((each) => each !== undefined).map((each) => FactStore.originMeta(primitives, each));
    storage.apply({ meta }, (error) => {
      // After a failed flush the store takes nothing more: what was heard is heard again after the restart.
      if (error === "failed") return;
      if (error === "full") this.#waiting = [...all, ...this.#waiting];
      else for (const news of all) this.#kept(news);
    });
  }

  #kept({ names, done }: News): void {
    for (const name of names) this.#unkept.delete(name);
    done();
  }
}

function nameOf({ instance, key }: { readonly instance: number; readonly key: string }): string {
  return `${instance}/${key}`;
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
