/** Totals as words for people and as one JSON document. */
import type { Totals } from "./totals.js";

export interface Spent {
  /** Of wall time. */
  readonly seconds: number;
  /** Of CPU, all threads together. */
  readonly cpuSeconds: number;
  readonly commit: string;
}

export function jsonReport(totals: Totals, spent: Spent): string {
  const { seeds, steps, virtualMs, acknowledged, unknown, violations, digest } = totals;
  return JSON.stringify({
    ...{ seeds, steps, virtualSeconds: Math.round(virtualMs / 1000), violations, digest },
    ...{ acknowledged, unknown, faults: sorted(totals.faults), sometimes: sorted(totals.sometimes) },
    void: totals.void,
    commit: spent.commit,
    speed: speedOf(totals, spent),
  });
}

export function textReport(totals: Totals, spent: Spent): string {
  const { seeds, acknowledged, unknown, virtualMs, steps, violations } = totals;
  const speed = speedOf(totals, spent);
  return [
    ...violations
      .slice(0, VIOLATIONS_SHOWN)
      .flatMap(({ seed, invariant, what, replay }) => [
        `VIOLATED ${invariant} at seed ${seed}, commit ${spent.commit}`,
        `  ${what}`,
        `  ${replay}`,
      ]),
    ...(violations.length > VIOLATIONS_SHOWN ? [`… and ${violations.length - VIOLATIONS_SHOWN} more`] : []),
    `${seeds} seeds, ${violations.length} violations, digest ${totals.digest}`,
    `${acknowledged} acknowledged writes (${(acknowledged / Math.max(1, seeds)).toFixed(0)} a seed), ${unknown} of unknown outcome`,
    `${steps} events in ${(virtualMs / 1000).toFixed(0)} virtual seconds; took ${spent.seconds.toFixed(1)} s: ${speed.seedsPerMinute} seeds a minute, ${speed.eventsPerCpuSecond} events a second of CPU, ${speed.virtualPerRealSecond} virtual seconds a second`,
    `faults that bit: ${words(totals.faults)}`,
    `sometimes: ${words(totals.sometimes)}`,
    ...totals.void.map((reason) => `VOID: ${reason}`),
  ].join("\n");
}

const VIOLATIONS_SHOWN = 10;

function speedOf(totals: Totals, spent: Spent): Record<string, number> {
  const seconds = Math.max(spent.seconds, 0.001);
  return {
    seconds: Math.round(seconds * 10) / 10,
    seedsPerMinute: Math.round((totals.seeds * 60) / seconds),
    eventsPerCpuSecond: Math.round(totals.steps / Math.max(spent.cpuSeconds, 0.001)),
    virtualPerRealSecond: Math.round(totals.virtualMs / 1000 / seconds),
  };
}

function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function words(counts: ReadonlyMap<string, number>): string {
  return Object.entries(sorted(counts))
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
}
