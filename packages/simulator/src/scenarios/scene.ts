/**
 * A stage for directed scenarios: a cluster on a quiet day, clients that act one line at a time, faults where the scenario wants them, and the
 * judge of every other run. Each line runs to its end in virtual time before the next one begins.
 */
import { limits } from "@kvorum/core";
import type { Plant, Primitives, QuorumArg } from "@kvorum/core";
import { Judge } from "../check/judge.js";
import type { Operation } from "../history.js";
import type { Violation } from "../run/result.js";
import { Client } from "../workload/client.js";
import { Clients } from "../workload/clients.js";
import type { ContextSource, Step } from "../workload/workload.js";
import { calmShape, type WorldShape } from "../world/shape.js";
import { SimulatedWorld } from "../world/simulated-world.js";

export interface SceneOptions {
  readonly primitives: Primitives;
  readonly plants?: ReadonlySet<Plant>;
  readonly seed?: number;
  readonly shape?: Partial<WorldShape>;
}

/** How a write or a read is made; a blind one of the usual quorum, by client `c1`, when nothing is said. */
export interface Manner {
  /** The client has a session; said with the first thing that it does. */
  readonly session?: boolean;
  readonly by?: string;
  readonly context?: ContextSource;
  readonly quorum?: QuorumArg;
  readonly sloppy?: boolean;
  readonly attempts?: number;
  readonly again?: boolean;
  readonly timeoutMs?: number;
  readonly ttlSeconds?: number;
}

const BUCKET = "carts";
const TIMEOUT_MS = 1_000;
const SETTLE_MS = 120_000;

/** What must come in time did not: a finding, like any violation. */
export class WaitedInVain extends Error {
  override readonly name = "WaitedInVain";
}

export class Scene {
  readonly world: SimulatedWorld;
  readonly clients: Clients;
  readonly judge: Judge;
  readonly #actors = new Map<string, Client>();
  readonly #thrown: Violation[] = [];
  #tags = 0;

  constructor({ primitives, plants = new Set(), seed = 1, shape }: SceneOptions) {
    const full = { ...calmShape, ...shape };
    this.world = SimulatedWorld.founded({ seed, primitives, plants, shape: full });
    this.clients = new Clients(this.world, { buckets: [{ name: BUCKET, conflicts: "siblings" }], clients: [] });
    this.judge = new Judge(this.world, full, this.clients);
    this.world.on((event) => {
      if (event.kind === "thrown") this.#thrown.push({ invariant: "no-exception", what: event.error });
    });
  }

  // ── Clients ──

  put(node: string, key: string, manner: Manner = {}): Operation {
    return this.#wait(this.begin("put", node, key, manner));
  }

  delete(node: string, key: string, manner: Manner = {}): Operation {
    return this.#wait(this.begin("delete", node, key, manner));
  }

  get(node: string, key: string, manner: Manner = {}): Operation {
    return this.#wait(this.begin("get", node, key, manner));
  }

  /** Begins something and goes on; the returned function gives the operation once it has ended. */
  begin(kind: Step["kind"], node: string, key: string, manner: Manner = {}): () => Operation | undefined {
    const {
      by = "c1",
      context = "blind",
      quorum,
      attempts = 1,
      again = false,
      timeoutMs = TIMEOUT_MS,
      sloppy,
      ttlSeconds,
      session = false,
    } = manner;
    const step: Step = {
      ...{ kind, key, bucket: BUCKET, context, attempts, again, timeoutMs, thinkMs: 0, filler: 0 },
      tag: kind === "put" ? `w${++this.#tags}` : "",
      node: this.world.names.indexOf(node),
      ...(quorum !== undefined && { quorum }),
      ...(sloppy !== undefined && { sloppy }),
      ...(ttlSeconds !== undefined && { ttlSeconds }),
    };
    let ended: Operation | undefined;
    this.#actor(by, session).act(step, (operation) => (ended = operation));
    return () => ended;
  }

  /** What a read showed, by the names of the writes: `w1`, `w2`, … in the order in which the scenario put them. */
  shown(read: Operation): string[] {
    return read.returned.filter(({ deleted }) => !deleted).map(({ tag }) => tag);
  }

  // ── The world ──

  owners(key: string): readonly string[] {
    return this.clients.lens.owners(BUCKET, key);
  }

  /** Waits until no owner holds anything of the key. */
  untilReaped(key: string): void {
    const isGone = (owner: string): boolean => this.world.stored(owner, BUCKET, key) === undefined;
    this.until(`${key} is reaped`, () => this.owners(key).every(isGone));
  }

  damage(node: string, key: string): void {
    if (!this.world.damage(node, BUCKET, key)) throw new Error(`${node} has no record of ${key} to damage`);
  }

  /** Runs `then` at the next event of that kind at a member, before anything else happens there. */
  at(kind: "acknowledged" | "asked" | "flushing" | "flushed" | "merging", node: string, then: () => void): void {
    const stop = this.world.on((event) => {
      if (event.kind !== kind || event.node !== node) return;
      stop();
      then();
    });
  }

  /** A write through `node` that `absent` never hears of, since it is down. */
  putWithout(absent: string, node: string, key: string): void {
    this.world.crash(absent, "kill");
    this.put(node, key);
    this.world.start(absent);
    this.settle();
  }

  /** Its process ends, its disk is emptied, and it comes back under its name as a new instance. */
  replace(node: string): void {
    this.world.crash(node, "power");
    this.world.wipe(node);
    this.until(`${node} seems down`, () => this.#others(node).every((other) => this.seesDown(other, node)));
    this.world.start(node);
  }

  restart(node: string, how: "kill" | "power" = "power"): void {
    this.world.crash(node, how);
    this.world.start(node);
    this.until(`${node} is up`, () => this.world.isUp(node));
  }

  settle(): void {
    this.until("settled", () => this.world.settled);
  }

  until(what: string, condition: () => boolean): void {
    if (!this.world.until(condition, SETTLE_MS)) throw new WaitedInVain(`the scenario waits in vain: ${what}`);
  }

  /** Heals everything, has the healers mend what differs, and asks the judge. */
  verdict(): readonly Violation[] {
    const { world, judge } = this;
    world.healAll();
    for (const name of world.standing) world.start(name);
    this.settle();
    // What was dialled before the healing may take this long to fail.
    world.run(limits.dialTimeoutMs + limits.redialMaxMs);
    judge.converge();
    this.until("converged", () => judge.converged);
    return [...this.#thrown, ...judge.verdict()];
  }

  #wait(ended: () => Operation | undefined): Operation {
    this.until("an answer", () => ended() !== undefined);
    return ended() as Operation;
  }

  #actor(name: string, session: boolean): Client {
    const known = this.#actors.get(name) ?? new Client(this.clients, name, session);
    this.#actors.set(name, known);
    return known;
  }

  #others(node: string): string[] {
    return this.world.names.filter((name) => name !== node && this.world.isUp(name));
  }

  /** Whether one member takes another for down. */
  seesDown(node: string, other: string): boolean {
    return this.world.node(node)?.membership.seemsOf(other) === "down";
  }
}
