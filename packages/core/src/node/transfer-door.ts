/** What this node answers when another merges a partition from it: pages of its index, states by their hashes, and how much there is. */
import { HASH_MAX, type IndexEntry } from "../ports/storage.js";
import type { Message, MessageOf } from "../wire/messages.js";
import type { NodeContext } from "./context.js";
import { weighPartitions } from "./weights.js";

type Answer = (message: Message) => void;

/** Requests of a node that fills itself, or looks at what a change would move. */
export type TransferRequest = MessageOf<"index" | "pull" | "weigh">;

export class TransferDoor {
  constructor(readonly node: NodeContext) {}

  handle(request: TransferRequest, answer: Answer): void {
    switch (request.kind) {
      case "index":
        return this.#index(request, answer);
      case "pull":
        return this.#pull(request, answer);
      case "weigh":
        return weighPartitions(this.node, (partitions) => answer({ kind: "weighed", partitions }));
    }
  }

  #index({ partition, fromHash, limit }: MessageOf<"index">, answer: Answer): void {
    const entries: { hash: bigint; digest: bigint }[] = [];
    let more = false;
    const take = ({ hash, digest }: IndexEntry): boolean => {
      // Keys of one hash stay on one page: the next one begins behind it.
      if (entries.length >= limit && entries.at(-1)?.hash !== hash) {
        more = true;
        return false;
      }
      entries.push({ hash, digest });
      return true;
    };
    this.node.storage.scanIndex(partition, fromHash, HASH_MAX, take, () => {
      const total = Math.max(entries.length, this.node.holdings.recordsIn(partition, this.node.clock.wallMs()));
      answer({ kind: "indexed", entries, more, total });
    });
  }

  /** A record that can't be read is passed over: who asks merges from the other owners too, and one of them has it. */
  #pull({ partition, hashes, bytesMax }: MessageOf<"pull">, answer: Answer): void {
    const states: { id: Uint8Array; body: Uint8Array }[] = [];
    let bytes = 0;
    const next = (at: number): void => {
      const hash = hashes[at];
      if (hash === undefined) return answer({ kind: "pulled", states, more: false });
      if (bytes >= bytesMax) return answer({ kind: "pulled", states, more: true });
      this.node.replica.scan(
        partition,
        hash,
        hash,
        (record) => {
          const local = this.node.replica.read(record);
          // What is marked as reaped nobody needs, and nobody shall have anew.
          if (local === undefined || local.reaped === true) return true;
          states.push({ id: record.key, body: local.body });
          bytes += record.key.length + local.body.length;
          return true;
        },
        () => next(at + 1),
      );
    };
    next(0);
  }
}
