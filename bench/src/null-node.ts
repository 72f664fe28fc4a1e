/**
 * The null Dynamo: the messages of a read and a write with N = 3 and R = W = 2, and nothing else. What a Dynamo costs beyond this is
 * its versions, its ring and its storage; `bench` gives Kvorum's speed as a share of it.
 *
 * A read takes its own record and the digests of both others, and answers at the first. A write stores here and at both others, and
 * answers at the first that stored. Nothing is compared, repaired, retried or kept on disk, and no deadline is watched.
 */
import type {
  Address,
  Envelope,
  GetCommand,
  Link,
  Message,
  Network,
  NetworkHandler,
  Primitives,
  PutCommand,
  RingTable,
} from "@kvorum/core";
import { NullStore } from "./null-store.js";

const NO_BYTES = new Uint8Array(0);
const QUORUM = { needed: 2, received: 2, fallbacks: 0 } as const;
/** What a real ring table has by default, so that clients do the same work to find an owner. */
const PARTITIONS = 256;
const REQUEST_ID_END = 0xffff_ffff;

/** A client's request that waits for the first of the two others. */
interface Waiting {
  readonly link: Link;
  readonly requestId: number;
  readonly answer: Message;
}

export class NullNode implements NetworkHandler {
  readonly #store: NullStore;
  readonly #waiting = new Map<number, Waiting>();
  readonly #table: RingTable;
  #network: Network | undefined;
  #lastId = 0;

  /** `others`: the addresses of the two other nodes. */
  constructor(
    readonly primitives: Primitives,
    readonly self: Address,
    readonly others: readonly Address[],
  ) {
    this.#store = new NullStore(primitives);
    this.#table = ringTable([self, ...others]);
  }

  start(network: Network): void {
    this.#network = network;
  }

  admit(): undefined {
    return undefined;
  }

  refused(address: Address, reason: string): void {
    throw new Error(`${address} refused the connection: ${reason}`);
  }

  /** Nothing is tried again: the clients of what was under way run into their deadline. */
  lost(): void {}

  receive(envelope: Envelope, link: Link): void {
    const { message, requestId } = envelope;
    switch (message.kind) {
      case "get":
        return this.#read(message, requestId, link);
      case "put":
        return this.#write(message, requestId, link);
      case "digest": {
        const record = this.#store.get(this.#text(message.id));
        const status = record === undefined ? "absent" : "state";
        return link.reply(requestId, { kind: "digested", status, digest: record?.digest ?? 0n });
      }
      case "store":
        this.#store.set(this.#text(message.id), message.body);
        return link.reply(requestId, { kind: "stored", status: "durable" });
      case "digested":
      case "stored":
        return this.#settle(requestId);
      case "ring":
        return link.reply(requestId, this.#table);
      default:
        throw new Error(`the null Dynamo does not know ${message.kind}`);
    }
  }

  #read(message: GetCommand, requestId: number, link: Link): void {
    const body = this.#store.get(this.#text(message.id))?.bytes ?? NO_BYTES;
    const answer: Message = { kind: "got", body, context: NO_BYTES, ...QUORUM };
    this.#ask({ kind: "digest", epoch: 1, phase: 3, id: message.id }, { link, requestId, answer });
  }

  #write(message: PutCommand, requestId: number, link: Link): void {
    const body = message.value ?? NO_BYTES;
    this.#store.set(this.#text(message.id), body);
    const answer: Message = { kind: "put-done", context: NO_BYTES, ...QUORUM };
    this.#ask({ kind: "store", epoch: 1, phase: 3, id: message.id, body, whole: false }, { link, requestId, answer });
  }

  #ask(message: Message, waiting: Waiting): void {
    const requestId = this.#nextId();
    this.#waiting.set(requestId, waiting);
    for (const other of this.others) this.#network?.send(other, { requestId, deadlineMs: 5_000, message });
  }

  /** The first of two replies settles the request; the second finds nothing. */
  #settle(requestId: number): void {
    const waiting = this.#waiting.get(requestId);
    if (waiting === undefined) return;
    this.#waiting.delete(requestId);
    waiting.link.reply(waiting.requestId, waiting.answer);
  }

  #text(id: Uint8Array): string {
    return this.primitives.text.decode(id, 0, id.length);
  }

  #nextId(): number {
    this.#lastId = this.#lastId === REQUEST_ID_END ? 1 : this.#lastId + 1;
    return this.#lastId;
  }
}

function ringTable(addresses: readonly Address[]): RingTable {
  const members = [...addresses].sort().map((address) => ({ name: address, address }));
  const places = members.map((_, place) => place);
  const owners = Array.from({ length: PARTITIONS }, (_, partition) => {
    const first = partition % places.length;
    return [...places.slice(first), ...places.slice(0, first)];
  });
  return { kind: "ring-table", version: "null", members, owners };
}
