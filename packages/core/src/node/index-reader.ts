/** What the store's index and the store say of keys that are named by their hash alone, as hash trees name them. */
import { partitionOf } from "../base/key-id.js";
import type { KeyDigest } from "../merkle/descent.js";
import { LISTED_KEYS_MAX } from "../merkle/descent.js";
import { hashesUnder, partitionsUnder, type Prefix } from "../merkle/prefix.js";
import { NO_DIGEST } from "../merkle/sum.js";
import type { StoredRecord } from "../ports/storage.js";
import type { NamedState } from "../wire/exchange-messages.js";
import type { NodeContext } from "./context.js";

/** The keys below a prefix that lies within one partition, in the order of their hashes, up to {@link LISTED_KEYS_MAX} of them. */
export function keysUnder(node: NodeContext, prefix: Prefix, done: (keys: readonly KeyDigest[]) => void): void {
  const { from, to } = hashesUnder(prefix);
  const partition = partitionsUnder(prefix, node.forest.partitionBits).from;
  const keys: KeyDigest[] = [];
  node.storage.scanIndex(
    partition,
    from,
    to,
    ({ hash, digest }) => {
      if (digest !== NO_DIGEST) keys.push({ hash, digest });
      return keys.length < LISTED_KEYS_MAX;
    },
    () => done(keys),
  );
}

/** The digests of keys now, in the order of the hashes; {@link NO_DIGEST} where no state counts. */
export function digestsOf(node: NodeContext, hashes: readonly bigint[], done: (digests: bigint[]) => void): void {
  const digests = hashes.map(() => NO_DIGEST);
  let waiting = 1;
  const one = (): void => {
    if (--waiting === 0) done(digests);
  };
  for (const [index, hash] of hashes.entries()) {
    waiting++;
    const look = (entry: KeyDigest): boolean => {
      digests[index] = entry.digest;
      return true;
    };
    node.storage.scanIndex(partitionOf(hash, node.identity.partitions), hash, hash, look, one);
  }
  one();
}

/** The states of keys that lie at these hashes, until there are `bytesMax` of them. `complete`: all that is there and can be read is among them. */
export function statesAt(
  node: NodeContext,
  hashes: readonly bigint[],
  bytesMax: number,
  done: (states: readonly NamedState[], complete: boolean) => void,
): void {
  const states: NamedState[] = [];
  let bytes = 0;
  const take = (record: StoredRecord): boolean => {
    const local = node.replica.read(record);
    if (local === undefined || local.reaped === true) return true;
    states.push({ id: record.key, body: local.body });
    bytes += record.key.length + local.body.length;
    return true;
  };
  const next = (from: number): void => {
    const hash = hashes[from];
    if (hash === undefined || bytes >= bytesMax) return done(states, hash === undefined);
    node.replica.scan(partitionOf(hash, node.identity.partitions), hash, hash, take, () => next(from + 1));
  };
  next(0);
}
