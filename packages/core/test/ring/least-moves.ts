/** The dumb one: the least number of places that any table for these members must move, by min-cost flow over single places. Slow and plain. */
import type { Targets } from "../../src/ring/targets.js";
import { fairLeast, fairMost } from "../../src/ring/targets.js";

interface Edge {
  readonly to: number;
  room: number;
  readonly cost: number;
  readonly back: number;
}

/** Worth more than all moves together: what a lower bound pays to be met. */
const MUST = 1_000_000;

class Network {
  readonly #edges: Edge[][] = [];

  node(): number {
    return this.#edges.push([]) - 1;
  }

  edge(from: number, to: number, room: number, cost: number): void {
    const out = this.#edges[from] as Edge[];
    const back = this.#edges[to] as Edge[];
    out.push({ to, room, cost, back: back.length });
    back.push({ to: from, room: 0, cost: -cost, back: out.length - 1 });
  }

  /** An edge that must carry at least `least`. */
  bounded(from: number, to: number, least: number, most: number): void {
    this.edge(from, to, least, -MUST);
    this.edge(from, to, most - least, 0);
  }

  /** The cost of the cheapest greatest flow: shortest paths one after the other (Bellman and Ford with a queue). */
  cheapest(source: number, sink: number): number {
    let total = 0;
    for (;;) {
      const distance = new Float64Array(this.#edges.length).fill(Infinity);
      const via: (Edge | undefined)[] = [];
      const queued = new Set([source]);
      distance[source] = 0;
      for (const node of queued) {
        queued.delete(node);
        for (const edge of this.#edges[node] as Edge[]) {
          const length = (distance[node] as number) + edge.cost;
          if (edge.room === 0 || length >= (distance[edge.to] as number)) continue;
          distance[edge.to] = length;
          via[edge.to] = edge;
          queued.add(edge.to);
        }
      }
      if (distance[sink] === Infinity) return total;
      total += distance[sink] as number;
      for (let edge = via[sink]; edge !== undefined;) {
        edge.room--;
        const back: Edge = (this.#edges[edge.to] as Edge[])[edge.back] as Edge;
        back.room++;
        edge = back.to === source ? undefined : via[back.to];
      }
    }
  }
}

/** `before`: the owners of each partition so far, as numbers of the members that `targets` are for; the departed are left out. */
export function leastMoves(targets: Targets, partitions: number, before: readonly (readonly number[])[]): number {
  const network = new Network();
  const source = network.node();
  const sink = network.node();
  const members = targets.ideal.map((ideal) => {
    const member = network.node();
    network.bounded(member, sink, fairLeast(ideal), fairMost(ideal));
    return member;
  });
  let must = targets.ideal.reduce((sum, ideal) => sum + fairLeast(ideal), 0);
  for (let row = 0; row < partitions; row++) {
    const partition = network.node();
    network.edge(source, partition, targets.width, 0);
    targets.zones.forEach(({ least, most }, zone) => {
      const inZone = network.node();
      network.bounded(partition, inZone, least, most);
      must += least;
      members.forEach((member, number) => {
        if (targets.zoneOf[number] === zone) network.edge(inZone, member, 1, before[row]?.includes(number) ? 0 : 1);
      });
    });
  }
  return network.cheapest(source, sink) + must * MUST;
}
