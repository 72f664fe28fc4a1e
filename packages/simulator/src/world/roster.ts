/** The members of a world by name, each with a machine of its own from the moment that it is first started. */
import type { Rng } from "@kvorum/core";
import { addressOf, Member, type Surroundings } from "./member.js";

export class Roster {
  readonly #members = new Map<string, Member>();
  readonly #departed = new Set<string>();
  readonly #leaving = new Set<string>();

  constructor(
    readonly world: Surroundings,
    readonly rng: (meaning: string) => Rng,
  ) {}

  get names(): readonly string[] {
    return [...this.#members.keys()];
  }

  /** Those of {@link names} that have not departed. */
  get standing(): readonly string[] {
    return this.names.filter((name) => !this.#departed.has(name));
  }

  isUp(name: string): boolean {
    return this.member(name).node !== undefined;
  }

  /** It was asked to leave (or that came to nothing), and until it has departed nothing is settled. */
  expectLeave(name: string, isExpected = true): void {
    if (isExpected) this.#leaving.add(name);
    else this.#leaving.delete(name);
  }

  isLeaving(name: string): boolean {
    return this.#leaving.has(name) && !this.#departed.has(name);
  }

  /** It has left, or was removed: nobody waits for it any more, or starts it again. */
  depart(name: string): void {
    this.#departed.add(name);
  }

  get all(): readonly Member[] {
    return [...this.#members.values()];
  }

  member(name: string): Member {
    const member = this.#members.get(name);
    if (member === undefined) throw new Error(`no member ${name}`);
    return member;
  }

  /** Every member that has not departed is up, and all agree on a ring of all of them. */
  get settled(): boolean {
    const { standing } = this;
    if (standing.some((name) => this.isLeaving(name))) return false;
    return standing.every((name) => {
      const node = this.#members.get(name)?.node;
      const members = node?.membership.roster.members() ?? [];
      return (
        members.length === standing.length && !members.some(({ leaving }) => leaving) && node?.membership.settled()
      );
    });
  }

  start(name: string): void {
    if (this.#departed.has(name)) return;
    const member = this.#members.get(name) ?? this.#add(name);
    member.start();
  }

  /** The very first founds the cluster; whoever starts with an empty disk after that joins through the others. */
  #add(name: string): Member {
    const place = this.#members.size;
    const { zones, clockErrorMs, clockDrift } = this.world.shape;
    const rng = this.rng(`member/${name}`);
    const member = new Member(name, `z${(place % zones) + 1}`, this.world, rng, (isFirstStart) => {
      return place === 0 && isFirstStart ? [] : this.names.filter((other) => other !== name).map(addressOf);
    });
    member.wall.jump(Math.round((rng.float() * 2 - 1) * clockErrorMs));
    member.wall.drift(1 + (rng.float() * 2 - 1) * clockDrift);
    this.#members.set(name, member);
    return member;
  }
}
