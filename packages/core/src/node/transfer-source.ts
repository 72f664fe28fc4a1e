/**
 * One partition merged from one member: page by page its index is compared with what is held here, and only states that differ are fetched. So
 * merging from every owner costs little more than moving the data once.
 */
import { HASH_MAX } from "../ports/storage.js";
import type { Message, MessageOf } from "../wire/messages.js";
import type { NodeContext } from "./context.js";
import type { NoReply } from "./calls.js";

const INDEX_ENTRIES_MAX = 4_096;
const ENTRY_BYTES = 16;
const HASHES_AT_ONCE = 1_024;
const PULL_BYTES_MAX = 256 * 1024;
const ANSWER_TIMEOUT_MS = 5_000;

type Page = MessageOf<"indexed">;

export class TransferSource {
  /** Keys of the source that were compared, and how many it has. */
  done = 0;
  total = 0;
  /** States that were fetched and are on disk here. */
  keysMoved = 0;
  #stopped = false;
  #cancel: (() => void) | undefined;

  constructor(
    readonly node: NodeContext,
    readonly partition: number,
    readonly from: string,
    /** Everything below was merged already. */
    public fromHash: bigint,
    /** A page was merged and is on disk. */
    readonly onPage: (source: TransferSource) => void,
    readonly onEnd: (source: TransferSource, merged: boolean) => void,
  ) {}

  run(): void {
    const { partition, fromHash } = this;
    this.#ask({ kind: "index", partition, fromHash, limit: INDEX_ENTRIES_MAX }, (reply) => {
      if (reply.kind !== "indexed") return this.#end(false);
      this.total = Math.max(reply.total, this.done + reply.entries.length);
      this.#spend(reply.entries.length * ENTRY_BYTES, () => this.#compare(reply));
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** What the source has and this node has not, or not so. */
  #compare(page: Page): void {
    const last = page.entries.at(-1)?.hash;
    const toHash = page.more && last !== undefined ? last : HASH_MAX;
    const held = new Map<bigint, bigint>();
    this.node.storage.scanIndex(
      this.partition,
      this.fromHash,
      toHash,
      ({ hash, digest }) => {
        // Two keys of one hash: neither digest speaks for both.
        held.set(hash, held.has(hash) ? 0n : digest);
        return true;
      },
      () => {
        const wanted = new Set<bigint>();
        const seen = new Set<bigint>();
        for (const { hash, digest } of page.entries) {
          if (seen.has(hash) || held.get(hash) !== digest || digest === 0n) wanted.add(hash);
          seen.add(hash);
        }
        this.#fetch(page, toHash, [...wanted]);
      },
    );
  }

  #fetch(page: Page, toHash: bigint, wanted: readonly bigint[]): void {
    if (this.#stopped) return;
    if (wanted.length === 0) return this.#pageDone(page, toHash);
    const hashes = wanted.slice(0, HASHES_AT_ONCE);
    const pull: Message = { kind: "pull", partition: this.partition, hashes, bytesMax: PULL_BYTES_MAX };
    this.#ask(pull, (reply) => {
      if (reply.kind !== "pulled") return this.#end(false);
      const last = reply.states.at(-1);
      const taken = last === undefined || !reply.more ? hashes.at(-1) : this.node.keyOfId(last.id).hash;
      const rest = wanted.filter((hash) => hash > (taken as bigint));
      let bytes = 0;
      for (const { body } of reply.states) bytes += body.length;
      this.#spend(bytes, () => this.#merge(reply.states, () => this.#fetch(page, toHash, rest)));
    });
  }

  #merge(states: MessageOf<"pulled">["states"], done: () => void): void {
    let waiting = 1;
    let failed = false;
    const one = (): void => {
      if (--waiting > 0 || this.#stopped) return;
      if (failed) this.#end(false);
      else done();
    };
    for (const { id, body } of states) {
      const key = this.node.keyOfId(id);
      const arrived = this.node.states.receive(body);
      if (key.partition !== this.partition || arrived === undefined) continue;
      waiting++;
      this.node.replica.merge(key, arrived, false, (status) => {
        if (status === "durable") this.keysMoved++;
        else failed = true;
        one();
      });
    }
    one();
  }

  #pageDone(page: Page, toHash: bigint): void {
    this.done += page.entries.length;
    if (!page.more) return this.#end(true);
    this.fromHash = toHash + 1n;
    this.onPage(this);
    this.run();
  }

  #end(merged: boolean): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.onEnd(this, merged);
  }

  #spend(bytes: number, go: () => void): void {
    this.#cancel = this.node.budget.spend("transfers", bytes, () => {
      if (!this.#stopped) go();
    });
  }

  #ask(message: Message, take: (reply: Message | NoReply) => void): void {
    if (this.#stopped) return;
    let requestId = 0;
    const deadline = this.node.deadlines.at(this.node.clock.monotonicMs() + ANSWER_TIMEOUT_MS, () => {
      this.node.abandon(requestId);
      this.#end(false);
    });
    requestId = this.node.ask(this.from, message, ANSWER_TIMEOUT_MS, (reply) => {
      deadline.cancel();
      if (!this.#stopped) take(reply);
    });
  }
}
