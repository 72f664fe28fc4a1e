/** Which partitions two members can compare: both own them now, and this one has them whole, with their trees. */
import { PartitionSet } from "../merkle/partition-set.js";
import type { NodeContext } from "./context.js";

export function sharedWith(node: NodeContext, peer: string): PartitionSet {
  const { partitions } = node.identity;
  const shared = new PartitionSet(partitions);
  for (let partition = 0; partition < partitions; partition++) {
    const { all } = node.placement(partition);
    if (!all.includes(peer) || !all.includes(node.self)) continue;
    // What a transfer brings anyhow is not to be found missing key by key.
    if (node.isInDoubt(partition)) continue;
    if (node.forest.has(partition)) shared.add(partition);
    else node.trees.want(partition);
  }
  return shared;
}
