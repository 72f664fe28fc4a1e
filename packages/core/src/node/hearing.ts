/**
 * How this node comes to know records of owners: it is told them by who advances them, it finds by gossip that another has others, and replicas
 * that know better answer with theirs (DESIGN §3). All of it ends in the one table.
 */
import { MalformedError, Reader, Writer } from "../base/bytes.js";
import { readRecords, writeRecords } from "../ring/owners-codec.js";
import { compareRecords, type PlacedRecord } from "../ring/owners-record.js";
import type { Message, MessageOf } from "../wire/messages.js";
import type { NodeContext } from "./context.js";
import type { OwnersTable } from "./owners-table.js";
import type { Transfers } from "./transfers.js";

/** A difference that still stands after this while is one: what was said is often on its way. */
const SYNC_DELAY_MS = 200;
const SYNC_TIMEOUT_MS = 2_000;
/** How often those that seem down, and said something else before, are thought of. */
const SYNC_DOWN_MS = 2_000;

type Answer = (message: Message) => void;

export class Hearing {
  /** Members whose records differ from this node's, by what they gossip. */
  readonly #differing = new Map<string, bigint>();
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(
    readonly node: NodeContext,
    readonly table: OwnersTable,
    readonly transfers: Transfers,
  ) {}

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** Takes what the author of records says, and answers when it is on disk. */
  told(message: MessageOf<"owners">, answer: Answer): void {
    const told = decodeRecords(this.node, message.records);
    this.table.take(told, (kept) => {
      // Without an answer the author asks again: what is not on this disk was not seen.
      if (!kept) return;
      for (const partition of message.begin) {
        const { epoch } = told.find((each) => each.partition === partition)?.record ?? { epoch: 0 };
        this.transfers.begin(partition, epoch);
      }
      answer(this.#seen(told));
    });
  }

  /** A partition was merged from everybody it must be: who advances its record need not ask for it. */
  confirmed(partition: number, author: string): void {
    const placed = { partition, record: this.table.record(partition) };
    this.node.tell(author, this.#seen([placed]));
  }

  synced(message: MessageOf<"owners-sync">, answer: Answer): void {
    const records = encodeRecords(this.node, this.table.differing(message.digests));
    answer({ kind: "owners-synced", records });
  }

  /** A member gossips the digest of its records. */
  gossiped(name: string, digest: bigint): void {
    if (digest === this.table.digest) {
      this.#differing.delete(name);
      return;
    }
    this.#differing.set(name, digest);
    this.#syncSoon();
  }

  /** A replica's answer by another record than this node goes by; `done` comes when the newer of the two is in force here. */
  fenced(message: MessageOf<"fenced">, done: () => void): void {
    this.table.take(decodeRecords(this.node, message.records), () => done());
  }

  #seen(told: readonly PlacedRecord[]): Message {
    const newer: PlacedRecord[] = [];
    const seen = told.map(({ partition, record }) => {
      const own = this.table.record(partition);
      if (compareRecords(own, record) > 0) newer.push({ partition, record: own });
      const confirmed = this.transfers.hasConfirmed(partition, own.epoch);
      return { partition, epoch: own.epoch, confirmed };
    });
    return { kind: "owners-seen", ring: this.node.ring.version, seen, newer: encodeRecords(this.node, newer) };
  }

  #syncSoon(delayMs = SYNC_DELAY_MS): void {
    if (this.#stopped) return;
    this.#cancel ??= this.node.clock.after(delayMs, () => {
      this.#cancel = undefined;
      this.#sync();
    });
  }

  /** One member after the other, until none is left that said something else: what one lacks another may have, and answers get lost. */
  #sync(): void {
    const { node, table } = this;
    for (const [name, said] of this.#differing) {
      if (said === table.digest || !node.membership.roster.isMember(name)) this.#differing.delete(name);
    }
    if (this.#differing.size === 0) return;
    const next = [...this.#differing].find(([name]) => node.membership.seemsOf(name) !== "down");
    if (next === undefined) return this.#syncSoon(SYNC_DOWN_MS);
    const [name, said] = next;
    // Whatever comes of it, the others have their turn first.
    this.#differing.delete(name);
    this.#differing.set(name, said);
    this.#ask(name, (records) => {
      if (records === undefined) return this.#syncSoon();
      table.take(decodeRecords(node, records), (kept) => {
        // It has told all that it had; what it has said since is another difference.
        if (kept && this.#differing.get(name) === said) this.#differing.delete(name);
        this.#syncSoon();
      });
    });
  }

  /** Asks for the records that differ; `done` comes once, with undefined when nothing came in time. */
  #ask(name: string, done: (records: Uint8Array | undefined) => void): void {
    const { node, table } = this;
    const message: Message = { kind: "owners-sync", digests: table.blockDigests() };
    let requestId = 0;
    const deadline = node.deadlines.at(node.clock.monotonicMs() + SYNC_TIMEOUT_MS, () => {
      node.abandon(requestId);
      done(undefined);
    });
    requestId = node.ask(name, message, SYNC_TIMEOUT_MS, (reply) => {
      deadline.cancel();
      if (!this.#stopped) done(reply.kind === "owners-synced" ? reply.records : undefined);
    });
  }
}

export function encodeRecords(node: NodeContext, placed: readonly PlacedRecord[]): Uint8Array {
  const writer = new Writer(node.primitives.text);
  writeRecords(writer, placed);
  return writer.take();
}

/** Nothing where the bytes are none of records: a peer's mistake must not become this node's. */
export function decodeRecords(node: NodeContext, bytes: Uint8Array): PlacedRecord[] {
  try {
    return readRecords(new Reader(node.primitives.text, bytes));
  } catch (error) {
    if (error instanceof MalformedError) return [];
    throw error;
  }
}
