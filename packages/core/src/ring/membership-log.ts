/** The membership log: a grow-only set of facts, each an explicit act of an operator (Dynamo §4.8.1), that the ring is folded from. */
import type { Reader, Writer } from "../base/bytes.js";
import { MalformedError } from "../base/bytes.js";
import type { Stamp } from "../base/hlc.js";
import { unreachable } from "../base/assert.js";

interface Authored {
  /** When, by the author's hybrid clock: above every stamp of the log that the author had seen. */
  readonly stamp: Stamp;
  /** The instance that wrote the event, 48 bits. */
  readonly by: number;
  /** The member that the event is about. Places belong to the name, so a replaced instance keeps them. */
  readonly name: string;
}

/** A new name. Ignored while the name is a member already. `weight`: a whole number from 1, its share against the others'. */
export interface Joined extends Authored {
  readonly kind: "joined";
  readonly instance: number;
  readonly zone: string;
  readonly weight: number;
}

/** The same name with a new, empty instance: it keeps the places. */
export interface Replaced extends Authored {
  readonly kind: "replaced";
  readonly instance: number;
}

/** A planned departure: the name has no place in the target ring, and is a member until it is removed. */
export interface Leaving extends Authored {
  readonly kind: "leaving";
}

/** The end of one instance. It never comes back: not by this event's order in the log, and not by a later `joined`. */
export interface Removed extends Authored {
  readonly kind: "removed";
  readonly instance: number;
}

export interface Changed extends Authored {
  readonly kind: "changed";
  readonly zone: string;
  readonly weight: number;
}

export type MembershipEvent = Joined | Replaced | Leaving | Removed | Changed;

/** Weights are whole numbers from 1 to this. */
export const WEIGHT_MAX = 1_000_000;

const FORMAT_VERSION = 1;
const KIND_CODES = { joined: 1, replaced: 2, leaving: 3, removed: 4, changed: 5 } as const;

/** One event: version u8, kind u8, stamp uvarint, by u48, name, then what the kind has of instance u48, zone, weight uvarint. */
export function encodeMembershipEvent(writer: Writer, event: MembershipEvent): void {
  writer.u8(FORMAT_VERSION);
  writer.u8(KIND_CODES[event.kind]);
  writer.uvarint(event.stamp);
  writer.u48(event.by);
  writer.string(event.name);
  if ("instance" in event) writer.u48(event.instance);
  if ("zone" in event) {
    writer.string(event.zone);
    writer.uvarint(event.weight);
  }
}

/** Reads one event where the reader stands. Throws {@link MalformedError}. */
export function decodeMembershipEvent(reader: Reader): MembershipEvent {
  const version = reader.u8();
  if (version !== FORMAT_VERSION) throw new MalformedError(`membership event of version ${version}`);
  const kind = reader.u8();
  const authored = { stamp: reader.uvarint() as Stamp, by: reader.u48(), name: reader.string() };
  switch (kind) {
    case KIND_CODES.joined:
      return { kind: "joined", ...authored, instance: reader.u48(), ...decodePlacing(reader) };
    case KIND_CODES.replaced:
      return { kind: "replaced", ...authored, instance: reader.u48() };
    case KIND_CODES.leaving:
      return { kind: "leaving", ...authored };
    case KIND_CODES.removed:
      return { kind: "removed", ...authored, instance: reader.u48() };
    case KIND_CODES.changed:
      return { kind: "changed", ...authored, ...decodePlacing(reader) };
    default:
      throw new MalformedError(`membership event of kind ${kind}`);
  }
}

function decodePlacing(reader: Reader): { zone: string; weight: number } {
  const zone = reader.string();
  const weight = reader.uvarint();
  if (weight < 1 || weight > WEIGHT_MAX) throw new MalformedError(`a weight of ${weight}`);
  return { zone, weight };
}

/** Who wrote an event and when: the key of the log as a set. */
export function membershipEventId(event: MembershipEvent): string {
  return `${event.stamp}-${event.by}`;
}

/** Everything in an event as one text. Equal events have equal texts, whichever way their objects were made. */
export function canonicalText(event: MembershipEvent): string {
  return JSON.stringify([event.stamp, event.by, event.kind, event.name, ...detailsOf(event)]);
}

function detailsOf(event: MembershipEvent): readonly (string | number)[] {
  switch (event.kind) {
    case "joined":
      return [event.instance, event.zone, event.weight];
    case "changed":
      return [event.zone, event.weight];
    case "replaced":
    case "removed":
      return [event.instance];
    case "leaving":
      return [];
    default:
      return unreachable(event);
  }
}

/**
 * The order of the fold: by stamp, then by author, then by content (an author never uses a stamp twice; should one do so, all members must
 * still agree).
 */
export function compareEvents(a: MembershipEvent, b: MembershipEvent): number {
  return a.stamp - b.stamp || a.by - b.by || compareTexts(canonicalText(a), canonicalText(b));
}

/** By UTF-16 code units: the same on every machine, unlike a locale's order. */
export function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The events in the order of the fold, each once. */
export function orderEvents(events: Iterable<MembershipEvent>): readonly MembershipEvent[] {
  const sorted = [...events].sort(compareEvents);
  return sorted.filter((event, i) => i === 0 || compareEvents(sorted[i - 1] as MembershipEvent, event) !== 0);
}
