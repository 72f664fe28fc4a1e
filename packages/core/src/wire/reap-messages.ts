/** What members say to each other so that tombstones can go: on dead records, on what is still under way, and on what could be lost (DESIGN §4). */
import type { ReapStep, ReapWord } from "../base/reap-words.js";

/** One step of reaping, to another owner of the partition: each record is compared by its digest. */
export interface Reap {
  readonly kind: "reap";
  readonly step: ReapStep;
  readonly partition: number;
  /** Of the placement that the asker knows. */
  readonly epoch: number;
  readonly records: readonly { readonly id: Uint8Array; readonly digest: bigint }[];
}

/** A word for each record, in their order; none where the partition's owners are other ones or about to change. */
export interface Reaped {
  readonly kind: "reaped";
  readonly words: readonly ReapWord[];
}

/** Asks what a member still had under way in a tide of its own; (0, 0) begins one. */
export interface AskFence {
  readonly kind: "fence";
  readonly boot: number;
  readonly tide: number;
}

/** The tide that was asked about, or the one that was begun; `waitsFor` is for people, and empty when it is out. */
export interface FenceSaid {
  readonly kind: "fence-said";
  readonly boot: number;
  readonly tide: number;
  readonly isOut: boolean;
  readonly waitsFor: string;
}

/** Asks a member for its part of "what could be lost right now". */
export interface AskRisk {
  readonly kind: "risk";
}

/** Ages in milliseconds; `since` in milliseconds since the epoch. */
export interface RiskSaid {
  readonly kind: "risk-said";
  readonly upMs: number;
  readonly filling: readonly number[];
  readonly damaged: number;
  readonly hints: number;
  readonly oldestHintAgeMs: number;
  readonly tombstones: number;
  readonly oldestTombstone:
    { readonly bucket: string; readonly key: string; readonly since: number; readonly why: string } | undefined;
  readonly compared: readonly { readonly name: string; readonly agoMs: number }[];
}

export const startWords = ["fine", "later", "unknown"] as const;
export type StartWord = (typeof startWords)[number];

/** One start of an instance: its count, and 48 bits that it drew. */
export interface StartMark {
  readonly boot: number;
  readonly start: number;
}

/** Asks a member whether it knows of another start of this instance that is not before the first of these. The last is the one that asks. */
export interface AskStart {
  readonly kind: "start";
  readonly instance: number;
  readonly starts: readonly StartMark[];
}

export interface StartSaid {
  readonly kind: "start-said";
  readonly word: StartWord;
}

export type ReapRequest = Reap | AskFence;
export type ReapReply = Reaped | FenceSaid;
