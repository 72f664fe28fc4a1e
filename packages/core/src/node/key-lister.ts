/**
 * Lists a bucket's keys over the whole cluster: partition by partition, each read from a quorum of its owners (CONTRACT §3). Where they agree
 * on a key their word is taken; where they differ the key is read like any other, so that what a tombstone covers is never listed.
 */
import { compareBytes, MalformedError, Reader, Writer } from "../base/bytes.js";
import { decodeBase64url, encodeBase64url } from "../base/base64url.js";
import { fail, ok, type Outcome } from "../base/failure.js";
import { namesOf } from "../base/key-id.js";
import { majority } from "../quorum/needed.js";
import type { Listed, ListedKey, ListKeys } from "../wire/messages.js";
import type { KeyPage, Reply } from "./api.js";
import type { NodeContext } from "./context.js";
import { gather, type Gathered } from "./gather.js";
import type { ReplicaDoor } from "./replica-door.js";

interface Place {
  readonly partition: number;
  readonly fromHash: bigint;
  readonly afterId: Uint8Array;
}

export interface KeyQuery {
  readonly bucket: string;
  readonly prefix: string;
  readonly limit: number;
  readonly cursor?: string;
}

const STEPS_AT_ONCE = 32;
/** Keys that owners do not agree on are read like any other, so many at a time: a page may be full of them, and each is held whole. */
const READS_AT_ONCE = 32;
/** The other owners are asked when the first have not answered within this share of the time that is left. */
const FIRST_TRY_SHARE = 1 / 3;

/** What several owners said of one page: the keys in order, how far the page is complete, and whether there is more behind it. */
interface MergedPage {
  readonly agreed: readonly ListedKey[];
  readonly disputed: readonly Uint8Array[];
  readonly next: Place | undefined;
}

type IsLive = (id: Uint8Array, deadlineAtMs: number, done: (live: Outcome<boolean>) => void) => void;

export class KeyLister {
  constructor(
    readonly node: NodeContext,
    readonly door: ReplicaDoor,
    readonly isLive: IsLive,
  ) {}

  list(query: KeyQuery, timeoutMs: number, reply: Reply<KeyPage>): void {
    const start = query.cursor === undefined ? startOf(0) : this.#decodeCursor(query.cursor);
    if (start === undefined) {
      return reply(fail("bad-parameter", "the cursor is not one that a list of keys gave; start again without it"));
    }
    new Listing(this, query, this.node.clock.monotonicMs() + timeoutMs, reply).run(start);
  }

  encodeCursor(place: Place): string {
    const writer = new Writer(this.node.primitives.text);
    writer.u16(place.partition);
    writer.u64(place.fromHash);
    writer.raw(place.afterId);
    return encodeBase64url(writer.take());
  }

  #decodeCursor(cursor: string): Place | undefined {
    const bytes = decodeBase64url(cursor);
    if (bytes === undefined) return undefined;
    try {
      const reader = new Reader(this.node.primitives.text, bytes);
      const place = { partition: reader.u16(), fromHash: reader.u64(), afterId: reader.raw(reader.remaining) };
      return place.partition < this.node.identity.partitions ? place : undefined;
    } catch (error) {
      if (error instanceof MalformedError) return undefined;
      throw error;
    }
  }
}

/** One page under way. */
class Listing {
  readonly #keys: Uint8Array[] = [];
  readonly #prefix: Uint8Array;
  #steps = 0;

  constructor(
    readonly lister: KeyLister,
    readonly query: KeyQuery,
    readonly deadlineAtMs: number,
    readonly reply: Reply<KeyPage>,
  ) {
    const text = `${query.bucket}/${query.prefix}`;
    const room = new Uint8Array(text.length * 3);
    this.#prefix = room.slice(0, lister.node.primitives.text.encodeInto(text, room, 0));
  }

  run(place: Place): void {
    const { node, door } = this.lister;
    const wanted = this.query.limit - this.#keys.length;
    if (place.partition >= node.identity.partitions) return this.#finish(undefined);
    if (wanted === 0) return this.#finish(place);
    const owners = node.placement(place.partition).reads;
    const message: ListKeys = { kind: "list", ...place, prefix: this.#prefix, limit: wanted };
    const self = (answer: (listed: Listed) => void): void =>
      door.handle(message, (listed) => {
        if (listed.kind === "listed") answer(listed);
      });
    const now = node.clock.monotonicMs();
    const firstUntilMs = now + (this.deadlineAtMs - now) * FIRST_TRY_SHARE;
    gather(node, this.#quorumOf(owners), message, firstUntilMs, self, (replies) => {
      const pages = goodPages(replies);
      const needed = majority(owners.length);
      if (pages.length >= needed) return this.#take(place, pages);
      this.#askTheOthers(place, message, owners, replies, needed, self);
    });
  }

  /** As many as needed, those that seem alive first, this node before all. */
  #quorumOf(owners: readonly string[]): string[] {
    const { node } = this.lister;
    const rank = (name: string): number => (name === node.self ? 0 : node.seemsAlive(name) ? 1 : 2);
    return [...owners].sort((a, b) => rank(a) - rank(b)).slice(0, majority(owners.length));
  }

  #askTheOthers(
    place: Place,
    message: ListKeys,
    owners: readonly string[],
    asked: Gathered,
    needed: number,
    self: (answer: (listed: Listed) => void) => void,
  ): void {
    const others = owners.filter((owner) => !asked.has(owner));
    gather(this.lister.node, others, message, this.deadlineAtMs, self, (replies) => {
      const pages = [...goodPages(asked), ...goodPages(replies)];
      if (pages.length >= needed) return this.#take(place, pages);
      // They were asked while the partition changed hands: those who own it now are whole.
      const hasMoved = this.lister.node.placement(place.partition).reads !== owners;
      if (hasMoved && this.lister.node.clock.monotonicMs() < this.deadlineAtMs) return this.run(place);
      const detail = `partition ${place.partition} needs ${needed} of ${owners.length} owners to be listed and ${pages.length} answered in time; try again`;
      this.reply(fail("quorum-not-met", detail, "none", { needed, received: pages.length }));
    });
  }

  #take(place: Place, pages: readonly Listed[]): void {
    const { node } = this.lister;
    const merged = mergePages(node, place, pages);
    this.#settle(merged.disputed, (settled) => {
      const live = [...merged.agreed.map(({ id }) => id), ...settled].sort(byPlace(node));
      const kept = live.slice(0, this.query.limit - this.#keys.length);
      this.#keys.push(...kept);
      const last = kept.at(-1);
      const isCut = last !== undefined && kept.length < live.length;
      this.#goOn(isCut ? placeAt(node, place.partition, last) : (merged.next ?? startOf(place.partition + 1)));
    });
  }

  /** Reads each disputed key; `done` gets those that a quorum calls live. A list that can't be whole is none: then the reply says why. */
  #settle(disputed: readonly Uint8Array[], done: (live: readonly Uint8Array[]) => void): void {
    const live: Uint8Array[] = [];
    let started = 0;
    let waiting = disputed.length;
    let failed = false;
    const startNext = (): void => {
      const id = disputed[started++];
      if (id !== undefined && !failed) this.lister.isLive(id, this.deadlineAtMs, (outcome) => take(id, outcome));
    };
    const take = (id: Uint8Array, outcome: Outcome<boolean>): void => {
      if (failed) return;
      if (!outcome.ok) {
        failed = true;
        return this.reply(outcome);
      }
      if (outcome.value) live.push(id);
      if (--waiting === 0) done(live);
      else startNext();
    };
    if (waiting === 0) return done(live);
    for (let i = 0; i < Math.min(READS_AT_ONCE, disputed.length); i++) startNext();
  }

  /** Empty partitions of a small cluster answer at once: now and then the stack is left, and others get their turn. */
  #goOn(place: Place): void {
    if (++this.#steps % STEPS_AT_ONCE !== 0) return this.run(place);
    this.lister.node.clock.after(0, () => this.run(place));
  }

  #finish(next: Place | undefined): void {
    const { node } = this.lister;
    const keys = this.#keys.map((id) => namesOf(node.primitives, id).key);
    this.reply(ok({ keys, cursor: next === undefined ? null : this.lister.encodeCursor(next) }));
  }
}

function startOf(partition: number): Place {
  return { partition, fromHash: 0n, afterId: new Uint8Array() };
}

function goodPages(replies: Gathered): Listed[] {
  return [...replies.values()].filter((reply) => reply.kind === "listed").filter((page) => page.status === "ok");
}

/** The order of a partition's records: by hash, then by name. */
function byPlace(node: NodeContext): (a: Uint8Array, b: Uint8Array) => number {
  return (a, b) => {
    const [left, right] = [node.keyOfId(a).hash, node.keyOfId(b).hash];
    return left === right ? compareBytes(a, b) : left < right ? -1 : 1;
  };
}

function placeAt(node: NodeContext, partition: number, id: Uint8Array): Place {
  return { partition, fromHash: node.keyOfId(id).hash, afterId: id.slice() };
}

/** Up to where every page reaches: behind the last key of a page that has more, that page says nothing. */
function mergePages(node: NodeContext, place: Place, pages: readonly Listed[]): MergedPage {
  const ordered = byPlace(node);
  const ends = pages.filter((page) => page.more).map((page) => page.keys.at(-1)?.id ?? place.afterId);
  const end = ends.sort(ordered)[0];
  const said = new Map<string, ListedKey[]>();
  for (const key of pages.flatMap((page) => page.keys)) {
    if (end !== undefined && ordered(key.id, end) > 0) continue;
    const name = key.id.join(".");
    said.set(name, [...(said.get(name) ?? []), key]);
  }
  const agreed: ListedKey[] = [];
  const disputed: Uint8Array[] = [];
  for (const keys of said.values()) {
    const first = keys[0] as ListedKey;
    const agree = keys.length === pages.length && keys.every((key) => key.digest === first.digest && key.digest !== 0n);
    if (!agree) disputed.push(first.id);
    else if (first.live > 0) agreed.push(first);
  }
  return { agreed, disputed, next: end && placeAt(node, place.partition, end) };
}
