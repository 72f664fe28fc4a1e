/**
 * How alive each member seems from here (Dynamo §4.8.3): by the silence between its heartbeats, by what it says of its disk, and by whether
 * anybody knows where it is reached. Suspicion steers requests; it never moves data.
 */
import { FailureDetector } from "../gossip/detector.js";
import type { Clock } from "../ports/clock.js";
import type { Member } from "../ring/members.js";
import type { MemberStatus } from "./api.js";
import type { DiskReport } from "./disk-report.js";
import { healthOf, type MemberHealth } from "./member-health.js";

export interface LifeSignsOptions {
  readonly self: string;
  readonly clock: Clock;
  readonly gossipIntervalMs: number;
  readonly disks: DiskReport;
  /** Milliseconds for which this node's own disk has stood still. */
  readonly diskStalledMs: () => number;
  /** Somebody has said where this instance is reached. */
  readonly hasAddress: (instance: number) => boolean;
}

export class LifeSigns {
  readonly #options: LifeSignsOptions;
  readonly #detector: FailureDetector;
  /** How late this node's own last round was, if that was much. */
  #lateMs = 0;

  constructor(options: LifeSignsOptions) {
    this.#options = options;
    this.#detector = new FailureDetector({ intervalMs: options.gossipIntervalMs });
  }

  /** Members are judged from now on, if they were not before. */
  expect(members: Iterable<Member>): void {
    const now = this.#options.clock.monotonicMs();
    for (const { instance } of members) this.#detector.expect(instance, now);
  }

  heard(instances: Iterable<number>): void {
    const now = this.#options.clock.monotonicMs();
    for (const instance of instances) this.#detector.heard(instance, now);
  }

  /** This node's own round came so late: a loop that stalled has not heard its peers, which says nothing about them (TRAPS 22). */
  wasLate(lateMs: number): void {
    this.#lateMs = lateMs > this.#options.gossipIntervalMs / 2 ? lateMs : 0;
    if (this.#lateMs > 0) this.#detector.observerStalled(lateMs);
  }

  /** Whether it is leaving or not. */
  seems(member: Member): MemberStatus {
    const { self, clock, disks, hasAddress } = this.#options;
    if (member.name === self) return "up";
    const seems = this.#detector.status(member.instance, clock.monotonicMs());
    if (seems !== "down" && !hasAddress(member.instance)) return "joining";
    return seems === "up" && disks.stalledMs(member.instance) !== undefined ? "suspect" : seems;
  }

  status(member: Member): MemberStatus {
    return member.leaving ? "leaving" : this.seems(member);
  }

  /** The status with its reasons, for people; `member` is undefined for a name that is none. */
  health(member: Member | undefined): MemberHealth {
    const { self, clock, disks, diskStalledMs } = this.#options;
    const isSelf = member?.name === self;
    const instance = isSelf ? undefined : member?.instance;
    const wasHeard = instance !== undefined && this.#detector.lastHeard(instance) !== undefined;
    const now = clock.monotonicMs();
    return healthOf({
      ...{ status: member === undefined ? "down" : this.status(member), isSelf, lateMs: this.#lateMs },
      silenceMs: wasHeard ? this.#detector.silenceMs(instance, now) : undefined,
      phi: instance === undefined ? undefined : this.#detector.phi(instance, now),
      diskStalledMs: isSelf ? diskStalledMs() : instance && disks.stalledMs(instance),
    });
  }
}
