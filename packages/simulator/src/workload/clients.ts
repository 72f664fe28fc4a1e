/** The clients of a run: they start together once the buckets are as the workload wants them, and tell listeners of every attempt. */
import { History, type Operation } from "../history.js";
import { Lens } from "../lens.js";
import { Sometimes } from "../sometimes.js";
import type * as parts from "../run/parts.js";
import type { World } from "../world/world.js";
import { Client } from "./client.js";
import type { Attempt, AttemptListener, Company } from "./company.js";
import type { Workload } from "./workload.js";

const ASK_AGAIN_MS = 200;

export class Clients implements parts.Clients, Company {
  readonly record = new History();
  readonly lens: Lens;
  readonly taken = new Sometimes();
  readonly #listeners: AttemptListener[] = [];
  #active: number;

  constructor(
    readonly world: World,
    readonly workload: Workload,
  ) {
    this.lens = new Lens(world, this.record);
    this.#active = workload.clients.length;
  }

  get history(): readonly Operation[] {
    return this.record.operations;
  }

  get sometimes(): ReadonlyMap<string, number> {
    return this.taken.counts;
  }

  get finished(): boolean {
    return this.#active === 0;
  }

  /** `listener` hears of every attempt when it is over, before the operation that it is part of has been given its outcome. */
  onAttempt(listener: AttemptListener): void {
    this.#listeners.push(listener);
  }

  start(): void {
    this.#configure(() => {
      for (const { name, steps, session } of this.workload.clients) {
        new Client(this, name, session).actOut(steps, () => this.#active--);
      }
    });
  }

  nodeAt(place: number): string | undefined {
    const { names } = this.world;
    for (let i = 0; i < names.length; i++) {
      const name = names[(place + i) % names.length];
      if (name !== undefined && this.world.isUp(name)) return name;
    }
    return undefined;
  }

  heard(attempt: Attempt): void {
    for (const listener of this.#listeners) listener(attempt);
  }

  /** Buckets are what they shall be, on every member, before anybody writes: a switch under load is another matter. */
  #configure(done: () => void): void {
    const waiting = this.workload.buckets.filter(({ name, conflicts }) =>
      this.world.standing.some((node) => this.world.node(node)?.bucketConfig(name).conflicts !== conflicts),
    );
    if (waiting.length === 0) return done();
    const node = this.world.standing.map((name) => this.world.node(name)).find((each) => each !== undefined);
    for (const { name, conflicts } of waiting) {
      if (node?.bucketConfig(name).conflicts !== conflicts) node?.setBucketConfig(name, { conflicts }, () => {});
    }
    this.world.after(ASK_AGAIN_MS, () => this.#configure(done));
  }
}
