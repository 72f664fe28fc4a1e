/** What each member says of its ring: which it goes by, and how much it still has to fill or to hand over. So all know when the cluster is settled. */
import type { Member } from "../ring/members.js";
import type { FactStore } from "./fact-store.js";
import { decodeRingState, encodeRingState, ringStateKey, type RingState } from "./facts.js";

export interface RingWordsOptions {
  readonly self: string;
  readonly facts: FactStore;
  readonly members: () => readonly Member[];
  /** The version of the ring that this node goes by. */
  readonly version: () => string;
  readonly seemsDown: (member: Member) => boolean;
}

export class RingWords {
  readonly #options: RingWordsOptions;
  #own: Omit<RingState, "version"> = { inDoubt: 0, owners: 0n, changing: 0 };

  constructor(options: RingWordsOptions) {
    this.#options = options;
  }

  /** What a member said last; undefined while it said nothing since it was started. */
  of(instance: number): RingState | undefined {
    const { facts } = this.#options;
    const bytes = facts.gossip.get(instance, ringStateKey);
    return bytes && decodeRingState(facts.options.primitives, bytes);
  }

  /** How this node's records of owners look now. True when somebody may wait for that: nothing is left to do, which was not said before. */
  sayOwners(state: Omit<RingState, "version">): boolean {
    const isNews = state.changing === 0 && state.inDoubt === 0 && state.owners !== this.#own.owners;
    this.#own = state;
    this.say();
    return isNews;
  }

  /** The ring is another one, or was not spoken of yet. */
  say(): void {
    const { facts, version } = this.#options;
    facts.say(ringStateKey, encodeRingState(facts.options.primitives, { version: version(), ...this.#own }));
  }

  /** All members that can be reached have heard of the log as this node knows it. */
  allKnow(): boolean {
    return this.#everyReachable((state) => state?.version === this.#options.version());
  }

  /** At least one other member has. */
  someKnow(): boolean {
    const { self, members, version } = this.#options;
    return members().some(({ name, instance }) => name !== self && this.of(instance)?.version === version());
  }

  /** All members that can be reached go by the same ring and records, and no partition is on its way or in doubt anywhere. */
  settled(): boolean {
    const { inDoubt, changing, owners } = this.#own;
    if (inDoubt > 0 || changing > 0) return false;
    const version = this.#options.version();
    return this.#everyReachable(
      (state) => state?.version === version && state.inDoubt === 0 && state.owners === owners,
    );
  }

  #everyReachable(test: (state: RingState | undefined) => boolean): boolean {
    const { self, members, seemsDown } = this.#options;
    return members().every((member) => member.name === self || seemsDown(member) || test(this.of(member.instance)));
  }
}
