/** Durations as people write them, `200ms`, `10s`, `3h` (CONTRACT §2), to milliseconds and back. */

const unitMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;
type Unit = keyof typeof unitMs;

/** Whole milliseconds, or undefined for a text that is no duration. A bare number is none: its unit would be a guess. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d)$/.exec(text.trim());
  if (match === null) return undefined;
  return Math.round(Number(match[1]) * unitMs[match[2] as Unit]);
}

/** The shortest whole form: 90,000 is `90s`, 3,600,000 is `1h`. */
export function formatDuration(ms: number): string {
  for (const [unit, size] of Object.entries(unitMs)) {
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}
