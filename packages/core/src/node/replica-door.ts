/** What this node answers when another asks it as a replica: states, digests, pages of keys, and what it holds in numbers. */
import { compareBytes } from "../base/bytes.js";
import { HASH_MAX, type StoredRecord } from "../ports/storage.js";
import type { LocalRecord } from "../replication/record.js";
import { fence } from "../ring/owners-record.js";
import type { Message, MessageOf } from "../wire/messages.js";
import type { ByRecord } from "../wire/ring-messages.js";
import type { NodeContext } from "./context.js";
import { encodeRecords } from "./hearing.js";
import type { TakenHints } from "./hints.js";
import { recordOf, type Held, type StoredStatus } from "./replica.js";

type Answer = (message: Message) => void;

/** Requests that concern a replica's own data. */
export type ReplicaRequest = MessageOf<
  "fetch" | "digest" | "store" | "list" | "inventory" | "conflicts" | "store-hint" | "peek"
>;

export class ReplicaDoor {
  constructor(readonly node: NodeContext) {}

  handle(request: ReplicaRequest, answer: Answer): void {
    switch (request.kind) {
      case "fetch":
        return this.#load(request, answer, (held) => answer(this.#fetched(request.id, held)));
      case "digest":
        return this.#load(request, answer, (held) => answer(digested(held)));
      case "store":
        return this.#store(request, answer);
      case "list":
        return this.#list(request, answer);
      case "inventory":
        return answer({ kind: "inventoried", buckets: this.#buckets() });
      case "conflicts":
        return answer({ kind: "conflicts-listed", conflicts: this.#conflicts(request.bucket) });
      case "store-hint":
        return this.#storeHint(request, answer);
      case "peek":
        return this.node.replica.load(this.node.keyOfId(request.id), (held) => answer(this.#fetched(request.id, held)));
    }
  }

  /** One that does not own the key, by the ring that it knows, may have missed any write: what it holds is true and proves nothing more. */
  #load(request: MessageOf<"fetch" | "digest">, answer: Answer, done: (held: Held) => void): void {
    const key = this.node.keyOfId(request.id);
    if (!this.#serves(key.partition, request)) return this.#fence(key.partition, answer);
    const take = (held: Held): void => {
      if (held.kind === "unknown" || this.node.ownsPartition(key.partition)) return done(held);
      done({ kind: "unknown", record: recordOf(held), damaged: false });
    };
    // Nothing but the digest is told of it. It is read all the same: a digest vouches for a record that can be read (decision 13).
    if (request.kind === "digest") this.node.replica.glance(key, take);
    else this.node.replica.load(key, take);
  }

  #store(request: MessageOf<"store">, answer: Answer): void {
    const key = this.node.keyOfId(request.id);
    // One that is no owner by its own record keeps nothing: either it or the sender has something to learn.
    const isOwner = this.node.ownsPartition(key.partition);
    if (!isOwner || !this.#serves(key.partition, request)) return this.#fence(key.partition, answer);
    // Checked before it is kept: a state that can't be read back would be "don't know" for ever.
    const arrived = this.node.states.receive(request.body);
    if (arrived === undefined) return answer({ kind: "stored", status: "refused" });
    this.node.replica.merge(key, arrived, request.whole, (status) => answer({ kind: "stored", status }));
  }

  /** As a fallback: the state and the hint are one batch, so that neither is there without the other (Dynamo §4.6). */
  #storeHint(request: MessageOf<"store-hint">, answer: Answer): void {
    const { hints, replica, settings, states } = this.node;
    const key = this.node.keyOfId(request.id);
    const keeps = settings.hints && !hints.isClosed;
    const arrived = keeps ? states.receive(request.body) : undefined;
    if (arrived === undefined) return answer({ kind: "stored", status: "refused" });
    const target = { name: request.name, instance: request.instance };
    let taken: TakenHints | undefined;
    const take = (body: Uint8Array, before: LocalRecord | undefined): TakenHints["meta"] | undefined => {
      taken = hints.take(key, body, before, [target]);
      return taken?.meta;
    };
    const done = (status: StoredStatus): void => {
      taken?.settled(status);
      answer({ kind: "stored", status });
    };
    replica.merge(key, arrived, false, done, take);
  }

  /** Quorums of the sender's owners and of this node's still meet (DESIGN §3). */
  #serves(partition: number, by: ByRecord): boolean {
    if (this.node.plants.has("stale-ring-accepted")) return true;
    return fence(this.node.owners.record(partition), by) === "serve";
  }

  #fence(partition: number, answer: Answer): void {
    const record = this.node.owners.record(partition);
    answer({ kind: "fenced", records: encodeRecords(this.node, [{ partition, record }]) });
  }

  #buckets(): MessageOf<"inventoried">["buckets"] {
    const { holdings, clock } = this.node;
    const totals = holdings.liveByBucket((partition) => this.node.ownsPartition(partition), clock.wallMs());
    return [...totals].filter(([, keys]) => keys > 0).map(([name, keys]) => ({ name, keys }));
  }

  #conflicts(bucket: string): MessageOf<"conflicts-listed">["conflicts"] {
    const { primitives, holdings, clock } = this.node;
    const prefix = new Uint8Array(bucket.length * 3 + 1);
    const size = bucket === "" ? 0 : primitives.text.encodeInto(`${bucket}/`, prefix, 0);
    const found: MessageOf<"conflicts-listed">["conflicts"][number][] = [];
    const owned = (partition: number): boolean => this.node.ownsPartition(partition);
    for (const { id, live, sinceMs } of holdings.conflicts(owned, clock.wallMs())) {
      if (startsWith(id, prefix.subarray(0, size))) found.push({ id, siblings: live, sinceMs });
    }
    return found;
  }

  #list(request: MessageOf<"list">, answer: Answer): void {
    const keys: MessageOf<"listed">["keys"][number][] = [];
    const nowMs = this.node.clock.wallMs();
    let more = false;
    const take = (record: StoredRecord): boolean => {
      if (!startsWith(record.key, request.prefix)) return true;
      if (keys.length >= request.limit) {
        more = true;
        return false;
      }
      const local = this.node.replica.read(record);
      if (local?.reaped === true) return true;
      // A damaged record is listed with a digest that no healthy one has: the lister then asks for the key itself.
      const live = local === undefined || local.inDoubt ? 0 : this.node.states.liveCount(local.body, nowMs);
      keys.push({ id: record.key, digest: local === undefined || local.inDoubt ? 0n : local.digest, live });
      return true;
    };
    this.#page(request, take, (damaged) => {
      const unknown = damaged > 0 || !this.node.ownsPartition(request.partition) || this.#isFilling(request.partition);
      answer({ kind: "listed", status: unknown ? "unknown" : "ok", keys, more });
    });
  }

  #isFilling(partition: number): boolean {
    return this.node.isInDoubt(partition);
  }

  /** Records from a place on: what lies at `fromHash` up to and including `afterId` was on an earlier page. */
  #page(
    from: { readonly partition: number; readonly fromHash: bigint; readonly afterId: Uint8Array },
    take: (record: StoredRecord) => boolean,
    done: (damaged: number) => void,
  ): void {
    this.node.replica.scan(
      from.partition,
      from.fromHash,
      HASH_MAX,
      (record) => {
        const seen =
          record.hash === from.fromHash && from.afterId.length > 0 && compareBytes(record.key, from.afterId) <= 0;
        return seen || take(record);
      },
      ({ damaged }) => done(damaged),
    );
  }

  #fetched(id: Uint8Array, held: Held): Message {
    const { partition } = this.node.keyOfId(id);
    const body = recordOf(held)?.body;
    const isFilled = this.node.ownsPartition(partition) && !this.node.isInDoubt(partition);
    const isRemains = held.kind === "unknown" && held.damaged && isFilled;
    return { kind: "fetched", status: held.kind, body, ...(isRemains && { isRemains }) };
  }
}

function digested(held: Held): Message {
  const digest = recordOf(held)?.digest ?? 0n;
  return { kind: "digested", status: held.kind, digest };
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  if (bytes.length < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (bytes[i] !== prefix[i]) return false;
  return true;
}
