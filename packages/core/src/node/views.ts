/** What a node shows of itself, its cluster and its ring: to people through the doors, to clients that route by the ring. */
import type { RingTable } from "../wire/messages.js";
import type {
  ClusterView,
  DigestsView,
  HintsView,
  MemberView,
  PlaceView,
  RingView,
  TombstonesView,
  TransferView,
} from "./api.js";
import type { NodeContext } from "./context.js";
import { clusterIdText } from "./identity.js";
import { fallbacksNow } from "./placement.js";

export function clusterView(
  node: NodeContext,
  transfers: readonly TransferView[],
  tombstones: TombstonesView,
): ClusterView {
  const { membership, identity } = node;
  const { partitions, replicas } = identity;
  return {
    cluster: clusterIdText(identity.clusterId),
    node: node.self,
    partitions,
    replicas,
    settled: membership.settled(),
    underReplicated: membership.roster.members().length < replicas,
    members: membership.roster.members().map(({ name, zone }) => memberView(node, name, zone)),
    transfers,
    hints: hintsView(node),
    tombstones,
  };
}

function memberView(node: NodeContext, name: string, zone: string): MemberView {
  const { membership, ring } = node;
  const { address = "", http = "" } = membership.roster.addressOf(name) ?? {};
  const hints = name === node.self ? node.hints.queue.count : (membership.debtsOf(name)?.hints ?? 0);
  const ownership = ring.ownership(name);
  return { name, address, http, zone, status: membership.status(name), ownership, hints, ...membership.health(name) };
}

function hintsView({ hints: { queue } }: NodeContext): HintsView {
  return { count: queue.count, bytes: queue.bytes, oldest: queue.oldestSinceMs ?? null };
}

export function ringView(node: NodeContext): RingView {
  const { ring } = node;
  const partitions = Array.from({ length: ring.partitions }, (_, partition) => ({
    partition,
    owners: node.placement(partition).reads,
  }));
  return { version: ring.version, partitions };
}

export function placeView(node: NodeContext, partition: number): PlaceView {
  return { partition, preferenceList: node.placement(partition).reads, fallbacks: fallbacksNow(node, partition) };
}

/** Of the partitions that have no tree yet, or one in question, nothing is said. */
export function digestsView(node: NodeContext): DigestsView {
  const { forest, identity } = node;
  const partitions: Record<string, string> = {};
  for (let partition = 0; partition < identity.partitions; partition++) {
    const root = node.ownsPartition(partition) ? forest.root(partition) : undefined;
    if (root !== undefined) partitions[partition] = root.toString(16).padStart(16, "0");
  }
  return { partitions };
}

/** The ring as a client needs it: members by place, owners as places. */
export function ringTable(node: NodeContext): RingTable {
  const { ring } = node;
  const { roster } = node.membership;
  const members = roster.members().map(({ name }) => ({ name, address: roster.addressOf(name)?.address ?? "" }));
  const places = new Map(members.map(({ name }, index) => [name, index]));
  const owners = Array.from({ length: ring.partitions }, (_, partition) =>
    node.placement(partition).reads.flatMap((name) => places.get(name) ?? []),
  );
  return { kind: "ring-table", version: ring.version, members, owners };
}
