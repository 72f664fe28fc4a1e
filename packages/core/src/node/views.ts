/** What a node shows of itself, its cluster and its ring: to people through the doors, to clients that route by the ring. */
import type { Ring } from "../ring/ring.js";
import type { RingTable } from "../wire/messages.js";
import type { ClusterView, MemberView, PlaceView, RingView, TransferView } from "./api.js";
import type { NodeContext } from "./context.js";
import { clusterIdText } from "./identity.js";

export function clusterView(node: NodeContext, transfers: readonly TransferView[]): ClusterView {
  const { membership, identity } = node;
  const { partitions, replicas } = identity;
  return {
    cluster: clusterIdText(identity.clusterId),
    node: node.self,
    partitions,
    replicas,
    settled: membership.settled(),
    underReplicated: membership.members().length < replicas,
    members: membership.members().map(({ name, zone }) => memberView(node, name, zone)),
    transfers,
  };
}

function memberView({ membership, ring }: NodeContext, name: string, zone: string): MemberView {
  const { address = "", http = "" } = membership.addressOf(name) ?? {};
  return { name, address, http, zone, status: membership.status(name), ownership: ring.ownership(name), hints: 0 };
}

export function ringView(ring: Ring): RingView {
  const partitions = Array.from({ length: ring.partitions }, (_, partition) => ({
    partition,
    owners: ring.owners(partition),
  }));
  return { version: ring.version, partitions };
}

export function placeView(ring: Ring, partition: number): PlaceView {
  return { partition, preferenceList: ring.owners(partition), fallbacks: ring.fallbacks(partition) };
}

/** The ring as a client needs it: members by place, owners as places. */
export function ringTable({ membership, ring }: NodeContext): RingTable {
  const members = membership
    .members()
    .map(({ name }) => ({ name, address: membership.addressOf(name)?.address ?? "" }));
  const places = new Map(members.map(({ name }, index) => [name, index]));
  const owners = Array.from({ length: ring.partitions }, (_, partition) =>
    ring.owners(partition).map((name) => places.get(name) ?? 0),
  );
  return { kind: "ring-table", version: ring.version, members, owners };
}
