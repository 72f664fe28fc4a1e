/** The judge of a run: lets the checkers look on, has every key mended by reads at the end, and collects what was violated. */
import type { GetCommand } from "@kvorum/core";
import { equalBytes } from "@kvorum/core";
import type { Operation } from "../history.js";
import type * as parts from "../run/parts.js";
import type { Violation } from "../run/result.js";
import type { Clients } from "../workload/clients.js";
import type { World } from "../world/world.js";
import { Sometimes } from "../sometimes.js";
import { acknowledgements } from "./acknowledgements.js";
import { bounds } from "./bounds.js";
import type { Bench, Checker, MakeChecker } from "./checker.js";
import { contexts } from "./contexts.js";
import { convergence } from "./convergence.js";
import { dots } from "./dots.js";
import { readFinals } from "./finals.js";
import { forgetting } from "./forgetting.js";
import { lostWrites } from "./lost-writes.js";
import { observation } from "./observation.js";
import { Past } from "./past.js";
import { rarePathsTaken } from "./rare-paths.js";
import { phantoms } from "./phantoms.js";
import { quiet } from "./quiet.js";
import { resurrections } from "./resurrections.js";
import { retries } from "./retries.js";
import { rings } from "./rings.js";
import { siblings } from "./siblings.js";
import { staleReads } from "./stale-reads.js";

const checkers: readonly MakeChecker[] = [
  ...[lostWrites, resurrections, phantoms, staleReads, acknowledgements, dots, contexts, siblings, retries],
  ...[forgetting, convergence, rings, quiet, bounds, rarePathsTaken, observation],
];

/** What is known of a run's world before it begins. */
export interface Expectations {
  /** Read repair is on: the only healer there is, so far. */
  readonly readRepair: boolean;
}

/** One bug breaks much: the first few of each kind tell the story. */
const VIOLATIONS_PER_INVARIANT = 3;
const READS_AT_ONCE = 8;
const READ_MS = 2_000;
/** Repairs travel after the answer; then the replicas are compared. */
const REPAIRS_TRAVEL_MS = 150;
const ROUNDS_MAX = 8;

export class Judge implements parts.Judge {
  readonly #taken = new Sometimes();
  readonly #violations: Violation[] = [];
  readonly #counts = new Map<string, number>();
  readonly #checkers: readonly Checker[];
  readonly #bench: Bench;
  #converged = false;

  constructor(
    readonly world: World,
    readonly expectations: Expectations,
    readonly clients: Clients,
  ) {
    const { record: history, lens } = clients;
    this.#bench = {
      ...{ world, history, lens, past: new Past(history), heals: expectations.readRepair },
      report: (invariant, what) => this.#report(invariant, what),
      mark: (path) => this.#taken.mark(path),
    };
    this.#checkers = checkers.map((make) => make(this.#bench));
    const listening = this.#checkers.filter((checker) => "attempt" in checker);
    clients.onAttempt((attempt) => {
      for (const checker of listening) checker.attempt?.(attempt);
    });
    const watching = this.#checkers.filter((checker) => "event" in checker);
    world.on((event) => {
      for (const checker of watching) checker.event?.(event);
    });
  }

  get sometimes(): ReadonlyMap<string, number> {
    return this.#taken.counts;
  }

  get converged(): boolean {
    return this.#converged;
  }

  /** Without hints and anti-entropy it is reads that heal: every key is read through all of its replicas until they are equal. */
  converge(): void {
    if (this.#bench.heals) this.#round([...this.#bench.history.keys.values()], 1);
    else this.#converged = true;
  }

  verdict(): readonly Violation[] {
    const finals = readFinals(this.world, this.#bench.lens, this.#bench.history.keys);
    for (const checker of this.#checkers) checker.end?.(finals);
    return this.#violations;
  }

  #round(keys: readonly (readonly Operation[])[], round: number): void {
    const queue = keys.map(([first]) => first).filter((first) => first !== undefined);
    let running = 0;
    const next = (): void => {
      const key = queue.pop();
      if (key !== undefined) {
        running++;
        return this.#readAll(key, round, () => {
          running--;
          next();
        });
      }
      if (running > 0) return;
      this.world.after(REPAIRS_TRAVEL_MS, () => this.#again(keys, round));
    };
    for (let i = 0; i < READS_AT_ONCE; i++) if (queue.length > 0 || i === 0) next();
  }

  #again(keys: readonly (readonly Operation[])[], round: number): void {
    const unequal = keys.filter(([first]) => first !== undefined && !this.#isEqual(first));
    if (unequal.length === 0 || round >= ROUNDS_MAX) this.#converged = true;
    else this.#round(unequal, round + 1);
  }

  #readAll({ bucket, key }: Operation, round: number, done: () => void): void {
    const node = this.clients.nodeAt(round);
    if (node === undefined) return done();
    const id = this.world.keyOf(bucket, key).id;
    const command: GetCommand = { kind: "get", id, r: "all", sloppy: false, local: false, hops: 0 };
    this.world.request("mender", node, command, READ_MS, done);
  }

  #isEqual({ bucket, key }: Operation): boolean {
    const { lens } = this.#bench;
    const records = lens.owners(bucket, key).map((owner) => lens.stored(owner, bucket, key));
    const [first, ...others] = records;
    if (first === undefined) return others.every((record) => record === undefined);
    return others.every((record) => record !== undefined && !record.inDoubt && equalBytes(record.body, first.body));
  }

  #report(invariant: string, what: string): void {
    const count = (this.#counts.get(invariant) ?? 0) + 1;
    this.#counts.set(invariant, count);
    if (count <= VIOLATIONS_PER_INVARIANT) this.#violations.push({ invariant, what });
  }
}
