/**
 * Rare paths that a long run must have taken at least once: if one never was, the runs have grown tame and prove less than they seem to
 * (FoundationDB's "sometimes" assertions; TRAPS 33).
 */

export const rarePaths = [
  "siblings read",
  "retried",
  "sent again after it was done",
  "a repeat found its first attempt",
  "a write of unknown outcome appeared",
  "one write was minted twice",
  "a delete found nothing",
  "a tombstone stood at the end",
  "a tombstone was reaped",
  "siblings stood at the end",
  "read repair mended",
  "anti-entropy mended",
  "a damaged record was healed",
  "a fallback counted",
  "a session asked again",
  "a value had ended when it was read",
  "a hint was handed over",
  "a member was refilled",
  "a member left",
  "a damaged record was seen",
  "a damaged folder was refused and refilled",
  "an old copy of a folder was refused",
  "a coordinator's word was lost on its way",
  "failed: quorum-not-met",
  "failed: overloaded",
  "failed: storage-full",
  "failed: stopping",
  "failed: clock-skew",
] as const;

export type RarePath = (typeof rarePaths)[number];

const known: ReadonlySet<string> = new Set(rarePaths);

/** Counts paths by name. */
export class Sometimes {
  readonly counts = new Map<RarePath, number>();

  mark(path: RarePath): void {
    this.counts.set(path, (this.counts.get(path) ?? 0) + 1);
  }

  /** A failure's code, if it is one of the rare ones. */
  markFailure(code: string): void {
    const path = `failed: ${code}`;
    if (known.has(path)) this.mark(path as RarePath);
  }
}
