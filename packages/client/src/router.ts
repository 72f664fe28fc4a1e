/** Where a request goes: to the owners of its partition, past them when none can be reached (Dynamo §6.4, client-driven coordination). */
import type { Address } from "@kvorum/core";
import { Member } from "./member.js";
import type { ClientPeer } from "./member-connection.js";
import type { RingCache } from "./ring-cache.js";

/** For requests that any member can answer. */
export const ANY_PARTITION = -1;
const NOBODY: readonly Member[] = [];

export class Router {
  readonly #members = new Map<Address, Member>();
  #ring: RingCache | undefined;
  /** By partition, as the ring names them; looked up when a partition is first asked about. */
  #owners: (readonly Member[] | undefined)[] = [];
  /** Members that own nothing of a partition, and seeds: each takes any request and passes it on. */
  #anyone: readonly Member[];
  #turn = 0;

  constructor(
    readonly peer: ClientPeer,
    readonly seeds: readonly Address[],
  ) {
    this.#anyone = this.#membersAt(seeds);
  }

  get ring(): RingCache | undefined {
    return this.#ring;
  }

  set ring(ring: RingCache | undefined) {
    this.#ring = ring;
    this.#owners = [];
    this.#anyone = this.#membersAt([...new Set([...(ring?.members ?? []), ...this.seeds])]);
    for (const [address, member] of this.#members) {
      if (this.#anyone.includes(member) || member.pending > 0) continue;
      void member.close("no longer a member");
      this.#members.delete(address);
    }
  }

  /**
   * The next member to ask about `partition` that is not in `tried`: a healthy owner before any other healthy member before one that failed
   * lately; undefined when all were tried. Of several the one with the least under way, so that a slow member gets less and what is asked in
   * one turn of the event loop leaves in few writes; of equals the one that was asked longest ago.
   */
  choose(partition: number, tried: readonly Member[]): Member | undefined {
    const owners = this.#ownersOf(partition);
    const chosen =
      pick(owners, tried, true) ??
      pick(this.#anyone, tried, true) ??
      pick(owners, tried, false) ??
      pick(this.#anyone, tried, false);
    if (chosen !== undefined) chosen.lastTurn = ++this.#turn;
    return chosen;
  }

  get members(): readonly Member[] {
    return [...this.#members.values()];
  }

  #ownersOf(partition: number): readonly Member[] {
    if (partition === ANY_PARTITION || this.#ring === undefined) return NOBODY;
    return (this.#owners[partition] ??= this.#membersAt(this.#ring.owners(partition)));
  }

  #membersAt(addresses: readonly Address[]): readonly Member[] {
    return addresses.map((address) => {
      const member = this.#members.get(address) ?? new Member(address, this.peer);
      this.#members.set(address, member);
      return member;
    });
  }
}

function pick(members: readonly Member[], tried: readonly Member[], healthyOnly: boolean): Member | undefined {
  let best: Member | undefined;
  let leastLoad = Infinity;
  for (const member of members) {
    const { load } = member;
    if (load > leastLoad || (load === leastLoad && best !== undefined && member.lastTurn > best.lastTurn)) continue;
    if ((healthyOnly && !member.healthy) || tried.includes(member)) continue;
    best = member;
    leastLoad = load;
  }
  return best;
}
