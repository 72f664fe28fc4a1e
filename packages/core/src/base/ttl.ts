/** How long a value shall stay before it is its own tombstone: whole seconds, or whatever its bucket says, or for ever (CONTRACT §2: Kvorum-TTL). */
import { limits } from "./limits.js";

/** A write's own word that its value stays, whatever the bucket's default is. */
export const STAYS = 0;

/** `none`, or whole seconds from 1; undefined for anything else. */
export function parseTtl(text: string): number | undefined {
  if (text === "none") return STAYS;
  const seconds = /^[1-9]\d{0,11}$/.test(text) ? Number(text) : Number.NaN;
  return seconds <= limits.ttlSecondsMax ? seconds : undefined;
}

/** What is wrong with the seconds of a program, {@link STAYS} included; undefined when nothing is. */
export function ttlProblem(ttlSeconds: number): string | undefined {
  const isFine = Number.isSafeInteger(ttlSeconds) && ttlSeconds >= STAYS && ttlSeconds <= limits.ttlSecondsMax;
  return isFine ? undefined : `a TTL is ${TTL_WORDS}, not ${ttlSeconds}`;
}

export const TTL_WORDS = `a whole number of seconds from 1 to ${limits.ttlSecondsMax}`;

/** When a value that is written at `nowMs` expires (milliseconds since the epoch); undefined for one that stays. */
export function expiryAt(
  nowMs: number,
  ttlSeconds: number | undefined,
  bucketTtlSeconds: number | undefined,
): number | undefined {
  const seconds = ttlSeconds ?? bucketTtlSeconds ?? STAYS;
  return seconds === STAYS ? undefined : Math.max(1, nowMs + seconds * 1000);
}
