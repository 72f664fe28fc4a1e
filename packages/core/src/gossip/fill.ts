/** Fills a message to its limit: which deltas and digests go when not all fit (the flow control of Scuttlebutt; DESIGN §6, "bounded however large the cluster"). */
import type { Rng } from "../base/rng.js";
import { deltaHeadBytes, digestBytes, entryBytes } from "./codec.js";
import type { Delta, Digest, Entry } from "./messages.js";
import type { Origin } from "./origin.js";

/** A peer has `origin` up to the version `after` and no more: 0 where it knows nothing of this incarnation. */
export interface Lack {
  readonly origin: Origin;
  readonly after: number;
}

export interface Filled<T> {
  readonly items: readonly T[];
  readonly bytes: number;
}

interface Opened {
  readonly head: Omit<Delta, "entries">;
  readonly pending: readonly Entry[];
  taken: number;
}

/**
 * Deltas of at most `budgetBytes`: one entry of each origin in turn, oldest first, then a second of each, and so on
 * ("scuttle-breadth"). An origin is cut where its next entry does not fit, so what its receiver then claims is true.
 *
 * The paper finds that "scuttle-depth", the longest backlog first, keeps the worst backlog shorter. Here the rare entries matter
 * most, one membership fact of a quiet node among many busy ones, and under depth first they wait behind every one who talks more.
 * In turn nobody waits for anybody. The turn starts at a random origin, so that what did not fit today goes first another time,
 * and so that two peers of a newcomer tell it different things.
 */
export function fillDeltas(lacks: readonly Lack[], budgetBytes: number, rng: Rng): Filled<Delta> {
  let left = budgetBytes;
  const opened: Opened[] = [];
  let open: Opened[] = [];
  for (const { origin, after } of rotated(lacks, rng)) {
    const { instance, boot, heartbeat } = origin.digest();
    const head = { instance, boot, heartbeat, base: origin.base, after };
    const headBytes = deltaHeadBytes(head);
    if (headBytes > left) break;
    const one: Opened = { head, pending: origin.after(after), taken: 0 };
    const [first] = one.pending;
    // A new incarnation without any entry is news too: its head says so.
    const cost = headBytes + (first === undefined ? 0 : entryBytes(first, after));
    if (cost > left) continue;
    left -= cost;
    if (first !== undefined) one.taken = 1;
    opened.push(one);
    open.push(one);
  }
  while (open.length > 0) {
    open = open.filter((one) => {
      const entry = one.pending[one.taken];
      if (entry === undefined) return false;
      const cost = entryBytes(entry, one.pending[one.taken - 1]?.version ?? one.head.after);
      if (cost > left) return false;
      left -= cost;
      one.taken++;
      return true;
    });
  }
  const items = opened.map(({ head, pending, taken }) => ({ ...head, entries: pending.slice(0, taken) }));
  return { items, bytes: budgetBytes - left };
}

/** As many digests as fit, from the first on. */
export function fillDigests(digests: Iterable<Digest>, budgetBytes: number): Filled<Digest> {
  const items: Digest[] = [];
  let bytes = 0;
  for (const digest of digests) {
    const cost = digestBytes(digest);
    if (bytes + cost > budgetBytes) break;
    bytes += cost;
    items.push(digest);
  }
  return { items, bytes };
}

/** The items from a random one on, and round to it. */
export function rotated<T>(items: readonly T[], rng: Rng): T[] {
  const start = rng.below(items.length);
  return [...items.slice(start), ...items.slice(0, start)];
}
