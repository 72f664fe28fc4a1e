/**
 * Which actors of this node may still mint dots (DESIGN §4). An actor is (instance, boot, birth): one local lifetime of one key. After
 * an unclean stop, a damaged record or a failed flush all earlier ones are retired, since a dot that left before its flush could be
 * minted twice; that is the "or its actor dies with the boot" of the design, and costs no flush per write.
 */
import { Reader, Writer } from "../base/bytes.js";
import type { Primitives } from "../base/primitives.js";
import { seal, unseal } from "../base/sealed.js";
import type { LifetimeMark } from "../replication/record.js";
import { NO_PLANTS, type Plant } from "./plants.js";
import type { MetaWrite, ReadOutcome } from "../ports/storage.js";
import type { StartMark } from "../wire/reap-messages.js";

const META_NAME = "boot";

const FIRST_LIFETIME: LifetimeMark = { boot: 1, birth: 1 };

/** What one start leaves for the next. */
export interface BootRecord {
  /** How often this folder was started, this start included. */
  readonly boot: number;
  /** The stop after this start was clean: every dot that left had been flushed. */
  readonly clean: boolean;
  /** Lifetimes before this one are retired. */
  readonly floor: LifetimeMark;
  /** The starts of which no other member has said yet that they follow the last one it knows; this one too. */
  readonly unproven: readonly StartMark[];
}

/** More starts in a row that nobody proves than this are not remembered one by one. */
const UNPROVEN_MAX = 16;

export const bootMetaName = META_NAME;

export function encodeBoot(primitives: Primitives, record: BootRecord): MetaWrite {
  const writer = new Writer(primitives.text);
  writer.u32(record.boot);
  writer.u8(record.clean ? 1 : 0);
  writer.u32(record.floor.boot);
  writer.u48(record.floor.birth);
  writer.u8(record.unproven.length);
  for (const { boot, start } of record.unproven) {
    writer.u32(boot);
    writer.u48(start);
  }
  return { name: META_NAME, value: seal(primitives, META_NAME, writer.take()) };
}

/** The record of the last start; undefined when there is none, "damaged" when it can't be read. */
export function decodeBoot(primitives: Primitives, outcome: ReadOutcome): BootRecord | undefined | "damaged" {
  if (outcome.kind === "absent") return undefined;
  const bytes = outcome.kind === "found" ? unseal(primitives, META_NAME, outcome.value) : undefined;
  if (bytes === undefined) return "damaged";
  const reader = new Reader(primitives.text, bytes);
  return {
    boot: reader.u32(),
    clean: reader.u8() === 1,
    floor: { boot: reader.u32(), birth: reader.u48() },
    // Records of before starts were proven end here.
    unproven: Array.from({ length: reader.remaining > 0 ? reader.u8() : 0 }, () => ({
      boot: reader.u32(),
      start: reader.u48(),
    })),
  };
}

/** The record of a start that follows `last` and drew `start`. A folder's first start follows nothing. */
export function nextBoot(last: BootRecord | undefined, start: number): BootRecord {
  const boot = (last?.boot ?? 0) + 1;
  const floor = last?.clean === true ? last.floor : { boot, birth: 0 };
  const unproven = last === undefined ? [] : [...last.unproven, { boot, start }].slice(-UNPROVEN_MAX);
  return { boot, clean: false, floor, unproven };
}

/** Births are counted in 48 bits; a start that is not proven begins above this, at a place that no other start will hit upon. */
const PROVISIONAL_FROM = 2 ** 40;
const PROVISIONAL_PLACES = 2 ** 47 - PROVISIONAL_FROM;

/** `draw`: a number from 0 to 1 that nobody can foresee. */
export function provisionalBirth(draw: number): number {
  return PROVISIONAL_FROM + Math.floor(draw * PROVISIONAL_PLACES);
}

export class Actors {
  #births = 0;
  #floor: LifetimeMark;
  /** While this start is not proven: lifetimes are born above this, and only they may mint. */
  #provisionalFrom: number | undefined;
  #highestBirth = 0;

  constructor(
    readonly instance: number,
    readonly boot: number,
    floor: LifetimeMark,
    readonly plants: ReadonlySet<Plant> = NO_PLANTS,
  ) {
    this.#floor = floor;
  }

  /** This folder may be an old one that was put back, and then all it knows of its actors is old: none mints until `proven`. */
  doubt(provisionalFrom: number): void {
    this.#provisionalFrom = provisionalFrom;
    this.#births = provisionalFrom;
  }

  /** This start follows the last one that anybody knows of: its own count of lifetimes is unused, and earlier actors may go on. */
  proven(): void {
    if (this.#provisionalFrom === undefined) return;
    this.#provisionalFrom = undefined;
    this.#births = 0;
  }

  /** A lifetime that no key had before. It stays the next one until it is taken. */
  get next(): LifetimeMark {
    if (this.plants.has("reused-dot")) return FIRST_LIFETIME;
    return { boot: this.boot, birth: this.#births + 1 };
  }

  /** The next lifetime was given to a key. */
  take(): void {
    this.#births++;
    this.#highestBirth = Math.max(this.#highestBirth, this.#births);
  }

  /** The mark, if its actors may still mint. */
  inForce(mark: LifetimeMark | undefined): LifetimeMark | undefined {
    if (this.plants.has("reused-dot")) return mark ?? FIRST_LIFETIME;
    if (mark === undefined) return undefined;
    const from = this.#provisionalFrom;
    if (from !== undefined && (mark.boot !== this.boot || mark.birth <= from || mark.birth > this.#births))
      return undefined;
    const retired = mark.boot < this.#floor.boot || (mark.boot === this.#floor.boot && mark.birth < this.#floor.birth);
    return retired ? undefined : mark;
  }

  /** Something was lost here and nobody knows what: no actor that lived until now may mint again. */
  retireAll(): void {
    this.#births = Math.max(this.#births, this.#highestBirth);
    this.#floor = { boot: this.boot, birth: this.#births + 1 };
  }

  /** What a clean stop leaves behind. */
  closing(clean: boolean): Omit<BootRecord, "unproven"> {
    return { boot: this.boot, clean, floor: this.#floor };
  }
}
