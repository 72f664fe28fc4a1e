/** Carries out a plan of faults: waits for each one's time or moment, asks the atlas whether it is allowed now, and brings back what it took down. */
import type { KeyId } from "@kvorum/core";
import type { SimulatedWorld } from "../world/simulated-world.js";
import type { WorldEvent } from "../world/world.js";
import type { Atlas } from "./atlas.js";
import type { Fault, MomentKind, Plan, PlannedFault, When } from "./plan.js";

type Moment = Extract<When, { readonly nth: number }>;

/** Where a fault strikes. */
interface Subject {
  readonly node: string;
  /** The key that the moment was about, if any. */
  readonly id: Uint8Array | undefined;
}

export class Injector {
  /** Faults that wait for their moment, with how many of it are still to come. */
  #waiting: { readonly planned: PlannedFault; readonly moment: Moment; left: number }[] = [];
  #began = false;
  #stopped = false;
  /** Down by a fault, to be started again. */
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
    if (up.length === 0) return this.#pass(planned.fault);
    const node = this.world.rng(`subject/${planned.id}`).pick(up);
    this.#strike(planned, { node, id: undefined });
  }

  #strike({ fault }: PlannedFault, subject: Subject): void {
    if (this.#stopped) return;
    if (!this.#apply(fault, subject)) this.#pass(fault);
  }

  #pass(fault: Fault): void {
    this.passed.set(fault.kind, (this.passed.get(fault.kind) ?? 0) + 1);
  }

  /** False where there was nothing to hurt, or it is not allowed now. */
  #apply(fault: Fault, subject: Subject): boolean {
    const { world } = this;
    switch (fault.kind) {
      case "blackout":
        return this.#blackout(fault.downMs);
      case "partition":
        this.#later(fault.forMs, world.partition(fault.from, fault.to, fault.direction));
        return true;
      case "storm":
        this.#later(fault.forMs, world.storm(fault.from, fault.to, fault.weather));
        return true;
      default:
        return this.#hurt(fault, fault.target === "subject" ? subject.node : fault.target, subject);
    }
  }

  #hurt(fault: Extract<Fault, { readonly target: string }>, name: string, subject: Subject): boolean {
    const { world } = this;
    if (!world.names.includes(name)) return false;
    switch (fault.kind) {
      case "skew":
        world.skew(name, fault.byMs);
        return true;
      case "damage":
        return this.#damage(name, fault.pick, name === subject.node ? subject.id : undefined);
      case "slow-disk":
        world.slowDisk(name, fault.factor);
        this.#later(fault.forMs, () => world.slowDisk(name, 1));
        return true;
      case "full-disk":
        world.fillDisk(name, true);
        this.#later(fault.forMs, () => world.fillDisk(name, false));
        return true;
      case "failed-flush":
        world.failFlush(name);
        return true;
      default:
        return world.isUp(name) && this.#stopProcess(fault, name);
    }
  }

  #stopProcess(
    fault: Extract<Fault, { readonly kind: "kill" | "power" | "stop" | "pause" | "wipe" }>,
    name: string,
  ): boolean {
    const { world, atlas } = this;
    switch (fault.kind) {
      case "pause":
        world.pause(name, fault.forMs);
        return true;
      case "stop":
        world.stop(name);
        break;
      case "wipe":
        if (!atlas.mayWipe(name)) return false;
        world.crash(name, "power");
        world.wipe(name);
        atlas.wiped(name);
        break;
      default:
        world.crash(name, fault.kind);
    }
    this.#later(fault.downMs, () => world.start(name));
    return true;
  }

  #blackout(downMs: number): boolean {
    const up = this.world.names.filter((name) => this.world.isUp(name));
    for (const name of up) {
      this.world.crash(name, "power");
      this.#later(downMs, () => this.world.start(name));
    }
    if (up.length > 1) this.world.chronicle.bit("blackout");
    return up.length > 0;
  }

  #damage(name: string, pick: number, id: Uint8Array | undefined): boolean {
    const key = id === undefined ? this.#anyKey(name, pick) : this.world.keyOfId(id);
    if (key === undefined || !this.atlas.mayDamage(name, key) || !this.world.damageRecord(name, key)) return false;
    this.atlas.damaged(name, key);
    return true;
  }

  #anyKey(name: string, pick: number): KeyId | undefined {
    const records = [...this.world.member(name).disk.proven.records()];
    const record = records[Math.floor(pick * records.length)];
    return record && this.world.keyOfId(record.key);
  }

  /** What a fault ends by itself, unless everything was healed before. */
  #later(delayMs: number, run: () => void): void {
    this.world.after(delayMs, () => {
      if (!this.#stopped) run();
    });
  }
}

const moments: ReadonlySet<string> = new Set<MomentKind>([
  ...(["asked", "acknowledged", "flushing", "flushed", "merging", "up", "ring"] as const),
]);

function isMoment(event: WorldEvent): event is Extract<WorldEvent, { readonly kind: MomentKind }> {
  return moments.has(event.kind);
}
