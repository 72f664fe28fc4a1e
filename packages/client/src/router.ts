/** Where a request goes: to the owners of its partition in turn, past them when none can be reached (Dynamo §6.4, client-driven coordination). */
import type { Address } from "@kvorum/core";
import { Member } from "./member.js";
import type { ClientPeer } from "./member-connection.js";
import type { RingCache } from "./ring-cache.js";

const NO_ADDRESSES: readonly Address[] = [];

/** For requests that any member can answer. */
export const ANY_PARTITION = -1;

export class Router {
  readonly #members = new Map<Address, Member>();
  #ring: RingCache | undefined;
  /** Members that own nothing of a partition, and seeds: each takes any request and passes it on. */
  #anyone: readonly Address[];
  #turn = 0;

  constructor(
    readonly peer: ClientPeer,
    readonly seeds: readonly Address[],
  ) {
    this.#anyone = seeds;
  }

  get ring(): RingCache | undefined {
    return this.#ring;
  }

  set ring(ring: RingCache | undefined) {
    this.#ring = ring;
    this.#anyone = [...new Set([...(ring?.members ?? []), ...this.seeds])];
    for (const [address, member] of this.#members) {
      if (this.#anyone.includes(address) || member.pending > 0) continue;
      void member.close("no longer a member");
      this.#members.delete(address);
    }
  }

  /**
   * The next member to ask about `partition` that is not in `tried`: a healthy owner before any other healthy member before one that failed
   * lately. Owners take turns, so that load spreads. Undefined when all were tried.
   */
  choose(partition: number, tried: readonly Member[]): Member | undefined {
    const owners = this.#ring?.owners(partition) ?? NO_ADDRESSES;
    this.#turn = (this.#turn + 1) >>> 0;
    return (
      this.#pick(owners, tried, true) ??
      this.#pick(this.#anyone, tried, true) ??
      this.#pick(owners, tried, false) ??
      this.#pick(this.#anyone, tried, false)
    );
  }

  /** Those that were asked so far. */
  get members(): readonly Member[] {
    return [...this.#members.values()];
  }

  #pick(addresses: readonly Address[], tried: readonly Member[], healthyOnly: boolean): Member | undefined {
    for (let i = 0; i < addresses.length; i++) {
      const member = this.#member(addresses[(this.#turn + i) % addresses.length] as Address);
      if ((!healthyOnly || member.healthy) && !tried.includes(member)) return member;
    }
    return undefined;
  }

  #member(address: Address): Member {
    let member = this.#members.get(address);
    if (member === undefined) {
      member = new Member(address, this.peer);
      this.#members.set(address, member);
    }
    return member;
  }
}
