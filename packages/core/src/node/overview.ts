/** Questions to all members at once: which buckets there are, and which keys wait for somebody to resolve them. */
import { fail, ok } from "../base/failure.js";
import { compareBytes } from "../base/bytes.js";
import { decodeBase64url, encodeBase64url } from "../base/base64url.js";
import { namesOf } from "../base/key-id.js";
import type { ConflictEntry, Message } from "../wire/messages.js";
import type { ConflictPage, Reply } from "./api.js";
import type { NodeContext } from "./context.js";
import { gather, type Gathered } from "./gather.js";
import type { ReplicaDoor, ReplicaRequest } from "./replica-door.js";

export interface ConflictQuery {
  readonly bucket?: string;
  readonly limit: number;
  readonly cursor?: string;
}

export class Overview {
  constructor(
    readonly node: NodeContext,
    readonly door: ReplicaDoor,
    readonly configured: () => readonly string[],
  ) {}

  /** Buckets by name. `keys` is the most that one member holds live: exact where all are whole and own everything, else a lower bound. */
  listBuckets(timeoutMs: number, reply: Reply<readonly { readonly name: string; readonly keys: number }[]>): void {
    this.#askAll({ kind: "inventory" }, timeoutMs, (replies) => {
      const buckets = new Map(this.configured().map((name) => [name, 0]));
      for (const inventory of replies.values()) {
        if (inventory.kind !== "inventoried") continue;
        for (const { name, keys } of inventory.buckets) buckets.set(name, Math.max(keys, buckets.get(name) ?? 0));
      }
      const named = [...buckets].map(([name, keys]) => ({ name, keys }));
      reply(ok(named.sort((a, b) => (a.name < b.name ? -1 : 1))));
    });
  }

  /** Conflicts that any reachable owner sees, in the order of their names. One that is being resolved may still be there. */
  listConflicts(query: ConflictQuery, timeoutMs: number, reply: Reply<ConflictPage>): void {
    const after = query.cursor === undefined ? undefined : decodeBase64url(query.cursor);
    if (query.cursor !== undefined && after === undefined) {
      const detail = "the cursor is not one that a list of conflicts gave; start again without it";
      return reply(fail("bad-parameter", detail));
    }
    this.#askAll({ kind: "conflicts", bucket: query.bucket ?? "" }, timeoutMs, (replies) => {
      const all = mergeConflicts(replies);
      const rest = after === undefined ? all : all.filter(({ id }) => compareBytes(id, after) > 0);
      const page = rest.slice(0, query.limit);
      const last = page.at(-1);
      const cursor = last !== undefined && rest.length > page.length ? encodeBase64url(last.id) : null;
      const conflicts = page.map(({ id, siblings, sinceMs }) => ({
        ...namesOf(this.node.primitives, id),
        siblings,
        since: sinceMs,
      }));
      reply(ok({ conflicts, cursor, total: all.length }));
    });
  }

  #askAll(message: ReplicaRequest, timeoutMs: number, done: (replies: Gathered) => void): void {
    const { node, door } = this;
    const names = node.membership.roster.members().map((member) => member.name);
    const alive = names.filter((name) => name === node.self || node.seemsAlive(name));
    const self = (answer: (reply: Message) => void): void => door.handle(message, answer);
    gather(node, alive, message, node.clock.monotonicMs() + timeoutMs, self, done);
  }
}

function mergeConflicts(replies: Gathered): ConflictEntry[] {
  const merged = new Map<string, ConflictEntry>();
  for (const listed of replies.values()) {
    if (listed.kind !== "conflicts-listed") continue;
    for (const conflict of listed.conflicts) {
      const name = conflict.id.join(".");
      const known = merged.get(name);
      if (known === undefined || conflict.siblings > known.siblings) merged.set(name, conflict);
    }
  }
  return [...merged.values()].sort((a, b) => compareBytes(a.id, b.id));
}
