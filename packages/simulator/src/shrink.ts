/**
 * Makes the script of a failing run smaller while it still violates the same invariant: fewer faults, fewer clients, fewer steps (delta debugging,
 * Zeller and Hildebrandt 2002). It works because randomness is drawn by meaning: what is left out moves nothing else.
 */
import { run, type RunOptions } from "./run/runner.js";
import type { Script } from "./run/script.js";
import type { ClientPlan, Step } from "./workload/workload.js";

export interface ShrinkOptions extends RunOptions {
  /** How often the script may be run; each run makes it smaller or shows that it can't be made so. */
  readonly runsMax: number;
}

export interface Shrunk {
  readonly script: Script;
  readonly invariant: string;
  readonly runs: number;
}

/** Undefined when the script violates nothing. */
export function shrink(script: Script, options: ShrinkOptions): Shrunk | undefined {
  const [first] = run(script, options).violations;
  if (first === undefined) return undefined;
  const { invariant } = first;
  let runs = 1;
  const fails = (smaller: Script): boolean => {
    if (runs >= options.runsMax) return false;
    runs++;
    return run(smaller, options).violations.some((violation) => violation.invariant === invariant);
  };
  let least = calmer(script, fails);
  // Fewer steps let go of faults that only the others needed, and the other way round.
  for (let size = Infinity; sizeOf(least) < size;) {
    size = sizeOf(least);
    least = withFewerFaults(least, fails);
    least = withFewerSteps(least, fails);
  }
  return { script: least, invariant, runs };
}

type Fails = (script: Script) => boolean;

function calmer(script: Script, fails: Fails): Script {
  if (!script.config.lateJoin) return script;
  const calm = { ...script, config: { ...script.config, lateJoin: false } };
  return fails(calm) ? calm : script;
}

function withFewerFaults(script: Script, fails: Fails): Script {
  const withFaults = (faults: Script["plan"]["faults"]): Script => ({ ...script, plan: { ...script.plan, faults } });
  return withFaults(minimise(script.plan.faults, (faults) => fails(withFaults(faults))));
}

function withFewerSteps(script: Script, fails: Fails): Script {
  const withClients = (clients: readonly ClientPlan[]): Script => ({
    ...script,
    workload: { ...script.workload, clients },
  });
  const { clients } = script.workload;
  const all = clients.flatMap(({ steps }) => steps);
  const keeping = (steps: readonly Step[]): readonly ClientPlan[] => {
    const kept = new Set(steps);
    return clients
      .map(({ name, steps: own }) => ({ name, steps: keepTime(own, kept) }))
      .filter(({ steps: own }) => own.length > 0);
  };
  return withClients(keeping(minimise(all, (steps) => fails(withClients(keeping(steps))))));
}

/** The steps that are kept, each at about its time: what the ones before it thought, it thinks too. */
function keepTime(steps: readonly Step[], kept: ReadonlySet<Step>): readonly Step[] {
  const result: Step[] = [];
  let thinkMs = 0;
  for (const step of steps) {
    thinkMs += step.thinkMs;
    if (!kept.has(step)) continue;
    result.push({ ...step, thinkMs });
    thinkMs = 0;
  }
  return result;
}

function sizeOf({ plan, workload }: Script): number {
  return plan.faults.length + workload.clients.reduce((sum, { steps }) => sum + steps.length, 0);
}

/** A part of the items that still fails, and fails no more without any one chunk of it, as far as was tried. */
export function minimise<T>(items: readonly T[], fails: (items: readonly T[]) => boolean): readonly T[] {
  let least = items;
  for (let chunk = Math.ceil(items.length / 2); chunk >= 1; chunk = chunk === 1 ? 0 : Math.ceil(chunk / 2)) {
    for (let at = 0; at < least.length;) {
      const without = [...least.slice(0, at), ...least.slice(at + chunk)];
      if (fails(without)) least = without;
      else at += chunk;
    }
  }
  return least;
}
