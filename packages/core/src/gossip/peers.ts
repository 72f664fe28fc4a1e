/** With whom to gossip this round: random peers, so that news spreads in O(log n) rounds, and now and then one that seems lost (Dynamo §4.8.1, and §4.8.2 on seeds). */
import type { Rng } from "../base/rng.js";

export interface PeerView<Peer> {
  /** Members that seem to live, suspected ones included; without this node. */
  readonly live: readonly Peer[];
  /** Members that seem to be down. */
  readonly down: readonly Peer[];
  /** The configured seeds, members or not yet; without this node. */
  readonly seeds: readonly Peer[];
}

/**
 * `fanout` live peers, or all when there are fewer. Besides, with a chance that grows with their share, one that is down: that is
 * how it is found to be back, and how two halves of a healed network find each other. And one of the seeds, always where fewer
 * live members are known than seeds: clusters that formed apart meet there ("to prevent logical partitions, some nodes play
 * the role of seeds").
 */
export function choosePeers<Peer>(rng: Rng, view: PeerView<Peer>, fanout: number): Peer[] {
  const { live, down, seeds } = view;
  const chosen = new Set(sample(rng, live, fanout));
  if (down.length > 0 && rng.chance(down.length / (live.length + 1))) chosen.add(rng.pick(down));
  if (seeds.length > 0 && (live.length < seeds.length || rng.chance(seeds.length / (live.length + down.length)))) {
    const others = seeds.filter((seed) => !chosen.has(seed));
    if (others.length === seeds.length) chosen.add(rng.pick(others));
  }
  return [...chosen];
}

/** `count` different ones: the first steps of a shuffle, so a thousand members cost no more than a few. */
function sample<T>(rng: Rng, items: readonly T[], count: number): T[] {
  const moved = new Map<number, number>();
  const picked: T[] = [];
  for (let i = 0; i < Math.min(count, items.length); i++) {
    const j = i + rng.below(items.length - i);
    picked.push(items[moved.get(j) ?? j] as T);
    moved.set(j, moved.get(i) ?? i);
  }
  return picked;
}
