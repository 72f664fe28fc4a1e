/** Carries out a plan of faults: waits for each one's time or moment, lets its family strike, and brings back what it took down. */
import { familyOf } from "../faults/all.js";
import { momentKinds, type MomentKind, type Stage, type Subject } from "../faults/family.js";
import type { SimulatedWorld } from "../world/simulated-world.js";
import type { WorldEvent } from "../world/world.js";
import type { Atlas } from "./atlas.js";
import type { Plan, PlannedFault, When } from "./plan.js";

type Moment = Extract<When, { readonly nth: number }>;

export class Injector implements Stage {
  /** Faults that wait for their moment, with how many of it are still to come. */
  #waiting: { readonly planned: PlannedFault; readonly moment: Moment; left: number }[] = [];
  #began = false;
  #stopped = false;
  readonly #unlisten: () => void;
  /** Faults that had to be left out, by kind: the atlas, or nothing there to hurt. */
  readonly passed = new Map<string, number>();

  constructor(
    readonly world: SimulatedWorld,
    readonly plan: Plan,
    readonly atlas: Atlas,
  ) {
    this.#unlisten = world.on((event) => this.#hear(event));
  }

  /** No more faults; what is broken stays broken until somebody heals it. */
  stop(): void {
    this.#stopped = true;
    this.#unlisten();
  }

  // Taken along by families without their object.
  readonly later = (delayMs: number, run: () => void): void => {
    this.world.after(delayMs, () => {
      if (!this.#stopped) run();
    });
  };

  #hear(event: WorldEvent): void {
    if (!this.#began && event.kind === "asked") this.#begin();
    if (!this.#began || !isMoment(event)) return;
    const { node } = event;
    const id = "id" in event ? event.id : "message" in event ? event.message.id : undefined;
    for (const entry of this.#waiting) {
      const { moment, planned } = entry;
      if (moment.at !== event.kind || (moment.node ?? node) !== node || --entry.left > 0) continue;
      if (moment.afterMs === 0) this.#strike(planned, { node, id });
      else this.world.after(moment.afterMs, () => this.#strike(planned, { node, id }));
    }
    if (this.#waiting.some(({ left }) => left <= 0)) this.#waiting = this.#waiting.filter(({ left }) => left > 0);
  }

  #begin(): void {
    this.#began = true;
    for (const planned of this.plan.faults) {
      const { when } = planned;
      if (when.at === "time") this.world.after(when.ms, () => this.#strikeAnywhere(planned));
      else this.#waiting.push({ planned, moment: when, left: when.nth });
    }
  }

  #strikeAnywhere(planned: PlannedFault): void {
    const up = this.world.names.filter((name) => this.world.isUp(name));
    if (up.length === 0) return this.#pass(planned);
    const node = this.world.rng(`subject/${planned.id}`).pick(up);
    this.#strike(planned, { node, id: undefined });
  }

  #strike(planned: PlannedFault, subject: Subject): void {
    if (this.#stopped) return;
    if (!familyOf(planned.family).strike(planned.fault, this, subject)) this.#pass(planned);
  }

  #pass({ fault }: PlannedFault): void {
    this.passed.set(fault.kind, (this.passed.get(fault.kind) ?? 0) + 1);
  }
}

const moments: ReadonlySet<string> = new Set<MomentKind>(momentKinds);

function isMoment(event: WorldEvent): event is Extract<WorldEvent, { readonly kind: MomentKind }> {
  return moments.has(event.kind);
}
