/**
 * One run: found a cluster, let clients work while faults strike, then heal everything, demand that it comes to rest within a bound of virtual
 * time, and ask the judge. Everything follows from the script.
 */
import type { Plant, Primitives } from "@kvorum/core";
import type { Story } from "../story.js";
import { Judge } from "../check/judge.js";
import { Clients } from "../workload/clients.js";
import { SimulatedWorld } from "../world/simulated-world.js";
import { Atlas } from "./atlas.js";
import { Injector } from "./injector.js";
import type { RunResult } from "./result.js";
import { isSloppy, leastCopies, type Script } from "./script.js";
import { Violations } from "./violations.js";

export interface RunOptions {
  readonly primitives: Primitives;
  /** Known bugs to plant. */
  readonly plants?: ReadonlySet<Plant>;
  /** Is told what happens. */
  readonly story?: Story;
}

/** Bounds of virtual time, from the moment that all faults have ended. */
const CLIENTS_END_MS = 120_000;
const SETTLE_MS = 60_000;
const CONVERGE_MS = 120_000;
const QUIET_MS = 500;

export function run(script: Script, options: RunOptions): RunResult {
  return new Run(script, options).result();
}

class Run {
  readonly world: SimulatedWorld;
  readonly clients: Clients;
  readonly judge: Judge;
  readonly injector: Injector;
  readonly violations = new Violations();
  readonly #isFounded: boolean;

  constructor(
    readonly script: Script,
    readonly options: RunOptions,
  ) {
    const { seed, config, workload, plan } = script;
    const { primitives, plants = new Set() } = options;
    this.world = new SimulatedWorld({ seed, primitives, plants, shape: config });
    this.#watchForBugs();
    this.#isFounded = this.world.found();
    options.story?.follow(this.world);
    this.clients = new Clients(this.world, workload);
    this.judge = new Judge(this.world, config, this.clients);
    this.injector = new Injector(this.world, plan, new Atlas(this.world, leastCopies(script), isSloppy(script)));
  }

  result(): RunResult {
    if (this.#isFounded) {
      this.#act();
      this.#heal();
      this.#judge();
    } else {
      this.violations.report("founding-settles", unsettled(this.world));
    }
    const { world, clients } = this;
    const { acknowledged, unknown } = this.clients.record.count();
    return {
      ...{ seed: this.script.seed, config: this.script.config },
      ...{ steps: world.timeline.steps, virtualMs: Math.round(world.nowMs), acknowledged, unknown },
      faults: Object.fromEntries(world.faults),
      sometimes: { ...Object.fromEntries(clients.sometimes), ...Object.fromEntries(this.judge.sometimes) },
      violations: this.violations.list,
      digest: this.#digest(),
    };
  }

  #act(): void {
    this.clients.start();
    if (!this.world.until(() => this.clients.finished, this.script.config.activeMs + CLIENTS_END_MS)) {
      this.violations.report("clients-end", "a client still waits for something that must have answered or timed out");
    }
  }

  #heal(): void {
    const { world } = this;
    this.injector.stop();
    world.healAll();
    for (const name of world.standing) world.start(name);
    if (!world.untilSettled(SETTLE_MS)) this.violations.report("settles", unsettled(world));
    if (!this.script.config.lateJoin) return;
    world.start(`n${world.names.length + 1}`);
    if (!world.untilSettled(SETTLE_MS)) this.violations.report("join-settles", unsettled(world));
  }

  #judge(): void {
    const { world, judge } = this;
    judge.converge();
    if (!world.until(() => judge.converged, CONVERGE_MS)) {
      this.violations.report("converges", "the healers that are on have not ended mending");
    }
    world.run(QUIET_MS);
    this.violations.list.push(...judge.verdict());
  }

  /** What no run may see, whatever its faults: an exception that leaves the node, a member that thinks it is none. */
  #watchForBugs(): void {
    this.world.on((event) => {
      if (event.kind === "thrown") this.violations.report("no-exception", `${event.node}: ${event.error}`);
      // Who has left may hear of it at its next start.
      const isMember = event.kind === "fatal" && this.world.standing.includes(event.node);
      if (isMember && (event.cause === "identity" || event.cause === "folder")) {
        this.violations.report("no-lost-identity", `${event.node}: ${event.reason}`);
      }
    });
  }

  /** The events, and what came of them. */
  #digest(): string {
    const { digest } = this.world;
    for (const { index, outcome, endMs } of this.clients.history) {
      digest.word(index);
      digest.text(outcome);
      digest.number(endMs);
    }
    return digest.value;
  }
}

/** What is still pending, by member. */
function unsettled(world: SimulatedWorld): string {
  return world.standing
    .map((name) => {
      const node = world.node(name);
      if (node === undefined) return `${name} is not up`;
      const { settled, members, transfers } = node.cluster();
      const down = members.filter(({ status }) => status !== "up").map((member) => `${member.name} ${member.status}`);
      return `${name}: ${settled ? "settled" : "unsettled"}, ${members.length} members (${down.join(", ")}), ${transfers.length} transfers, ${node.hints.queue.count} hints`;
    })
    .join("; ");
}
