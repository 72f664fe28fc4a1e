/** Shortest chains of moves from members that have too much to members that have too little: augmenting paths with steps of cost 0 or 1. */

/** `giver` hands something of `row` to `taker`. */
export interface Step {
  readonly giver: number;
  readonly taker: number;
  readonly row: number;
}

const UNREACHED = 0x7fff_ffff;

/** One search over the members. The graph is not stored: `offerSteps` is asked for a member's steps when the search comes to it. */
export class PathSearch {
  readonly #distance: Int32Array;
  readonly #reachedBy: (Step | undefined)[];
  #now: number[] = [];
  #next: number[] = [];
  #depth = 0;
  /** How many members the search has not come near yet. */
  unreached: number;

  /** The sink that no other can be nearer than, once it is known. */
  #nearest: number | undefined;
  #isSink: (member: number) => boolean = () => false;

  /** `cheapestStep`: no step costs less. */
  constructor(
    members: number,
    readonly cheapestStep: 0 | 1,
  ) {
    this.#distance = new Int32Array(members).fill(UNREACHED);
    this.#reachedBy = Array.from({ length: members }, () => undefined);
    this.unreached = members;
  }

  /** The cheapest path from any of `sources` to a sink, or undefined. Rows on it are distinct. */
  find(
    sources: readonly number[],
    isSink: (member: number) => boolean,
    offerSteps: (giver: number) => void,
  ): readonly Step[] | undefined {
    this.#isSink = isSink;
    for (const source of sources) this.#distance[source] = 0;
    this.unreached -= sources.length;
    this.#next = [...sources];
    for (this.#depth = 0; this.#next.length > 0; this.#depth++) {
      this.#now = this.#next;
      this.#next = [];
      // Steps of cost 0 lengthen the list while it is walked.
      for (let i = 0; i < this.#now.length; i++) {
        const member = this.#now[i] as number;
        if (this.#distance[member] !== this.#depth) continue;
        if (isSink(member)) return this.#pathTo(member);
        offerSteps(member);
        if (this.#nearest !== undefined) return this.#pathTo(this.#nearest);
      }
    }
    return undefined;
  }

  /** No further steps are of use. */
  get isDone(): boolean {
    return this.#nearest !== undefined;
  }

  /** Whether a step of `cost` to `taker` would be news. */
  wants(taker: number, cost: 0 | 1): boolean {
    return (this.#distance[taker] as number) > this.#depth + cost;
  }

  /** Takes note of a step from the member that is being visited. */
  offer(step: Step, cost: 0 | 1): void {
    // Two steps in one row were each checked against the row as it is now: together they might break it.
    if (!this.wants(step.taker, cost) || this.#uses(step.giver, step.row)) return;
    if (this.#distance[step.taker] === UNREACHED) this.unreached--;
    this.#distance[step.taker] = this.#depth + cost;
    this.#reachedBy[step.taker] = step;
    if (cost === this.cheapestStep && this.#isSink(step.taker)) this.#nearest = step.taker;
    (cost === 0 ? this.#now : this.#next).push(step.taker);
  }

  #uses(member: number, row: number): boolean {
    let step = this.#reachedBy[member];
    while (step !== undefined && step.row !== row) step = this.#reachedBy[step.giver];
    return step !== undefined;
  }

  #pathTo(member: number): readonly Step[] {
    const path: Step[] = [];
    for (let step = this.#reachedBy[member]; step !== undefined; step = this.#reachedBy[step.giver]) path.push(step);
    return path.reverse();
  }
}

/** The member with the highest score, the first among equals. Undefined when all scores are -Infinity. */
export function highest(members: number, score: (member: number) => number): number | undefined {
  let best: number | undefined;
  let bestScore = -Infinity;
  for (let member = 0; member < members; member++) {
    const own = score(member);
    if (own > bestScore) {
      best = member;
      bestScore = own;
    }
  }
  return best;
}
