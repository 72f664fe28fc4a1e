/** A key's state as bytes: one state, one byte string, on every node and for ever (docs/formats/key-state.md has a worked example). */
import { MalformedError } from "../base/bytes.js";
import type { Reader, Writer } from "../base/bytes.js";
import type { Stamp } from "../base/hlc.js";
import type { Dot } from "./actor.js";
import { compareLifetimes } from "./actor.js";
import { valued } from "./key-state.js";
import type { KeyState } from "./key-state.js";
import { OPERATION_ID_BYTES } from "./operation.js";
import type { Operation } from "./operation.js";
import { compareNumbers, sameItems } from "./order.js";
import { PastOperations, RECORD_BYTES } from "./past-operations.js";
import { compareSiblings } from "./sibling.js";
import type { Sibling } from "./sibling.js";
import { decodeText } from "./text.js";
import { decodeVector, encodeVector } from "./vector-codec.js";
import type { VersionVector } from "./version-vector.js";

/** `EXPIRING`: a sibling has an expiry, and the header says when values end. Which of the two it is, the state decides: one state, one form. */
const FORMAT = { STAYING: 1, EXPIRING: 2 } as const;

/** Bits of a sibling's first byte. A reader refuses bits that it does not know. */
const DELETED = 1;
const BY_FALLBACK = 2;
const WITH_CONTEXT = 4;
const OWN_CLOCK = 8;
const WITH_OPERATION = 16;
const WITH_EXPIRY = 32;
const KNOWN_BITS = DELETED | BY_FALLBACK | WITH_CONTEXT | OWN_CLOCK | WITH_OPERATION | WITH_EXPIRY;

type Writable<T> = { -readonly [F in keyof T]: T[F] };

/** The least that a sibling takes: a count that cannot be true is refused before anything is made for it. */
const SIBLING_BYTES_MIN = 8;

/** What an encoded state's first bytes say of the values that stand in it. */
export interface LiveHeader {
  /** Versions with a value, those that expire included. */
  readonly valued: number;
  /** When those among them that expire do: milliseconds since the epoch, the soonest first. */
  readonly expiries: readonly number[];
}

const NO_EXPIRIES: readonly number[] = [];

/** How many of the values are shown at `nowMs`. */
export function liveAt({ valued: count, expiries }: LiveHeader, nowMs: number): number {
  let live = count;
  for (const expiresAtMs of expiries) if (expiresAtMs <= nowMs) live--;
  return live;
}

export function encodeState(writer: Writer, state: KeyState): void {
  const isExpiring = state.siblings.some(({ expiresAtMs }) => expiresAtMs !== undefined);
  const values = valued(state);
  writer.u8(isExpiring ? FORMAT.EXPIRING : FORMAT.STAYING);
  writer.uvarint(values.length);
  if (isExpiring) {
    const expiries = expiriesOf(values);
    writer.uvarint(expiries.length);
    for (const expiresAtMs of expiries) writer.uvarint(expiresAtMs);
  }
  encodeVector(writer, state.vector);
  writer.uvarint(state.siblings.length);
  for (const sibling of state.siblings) encodeSibling(writer, sibling, state.vector);
  writer.uvarint(state.operations.count);
  writer.raw(state.operations.bytes);
}

/**
 * Reads one state and leaves the reader behind it. Values, operation ids and past operations are slices of the source.
 * @throws MalformedError for anything that {@link encodeState} would not have written.
 */
export function decodeState(reader: Reader): KeyState {
  const { format, ...header } = decodeHeader(reader);
  const vector = decodeVector(reader);
  const siblings = decodeSiblings(reader, vector);
  const operations = PastOperations.decode(reader.raw(reader.count(RECORD_BYTES) * RECORD_BYTES));
  const state = { siblings, vector, operations };
  const isExpiring = siblings.some(({ expiresAtMs }) => expiresAtMs !== undefined);
  if (isExpiring !== (format === FORMAT.EXPIRING)) throw new MalformedError("a state in the form of another");
  const values = valued(state);
  const isTrue = values.length === header.valued && sameItems(expiriesOf(values), header.expiries, compareNumbers);
  if (!isTrue) throw new MalformedError("the header counts other versions than stand");
  return state;
}

function decodeSiblings(reader: Reader, vector: VersionVector): readonly Sibling[] {
  const siblings = new Array<Sibling>(reader.count(SIBLING_BYTES_MIN));
  let previous: Sibling | undefined;
  for (let i = 0; i < siblings.length; i++) {
    const sibling = decodeSibling(reader, vector);
    if (previous && compareSiblings(previous, sibling) >= 0) throw new MalformedError("siblings are out of order");
    siblings[i] = previous = sibling;
  }
  return siblings;
}

/** Which values stand in an encoded state and how long, without reading the rest: for lists and counts. @throws MalformedError */
export function peekLive(reader: Reader): LiveHeader {
  return decodeHeader(reader);
}

function decodeHeader(reader: Reader): LiveHeader & { readonly format: number } {
  const format = reader.u8();
  if (format === FORMAT.STAYING) return { format, valued: reader.uvarint(), expiries: NO_EXPIRIES };
  if (format !== FORMAT.EXPIRING) {
    throw new MalformedError(`a state of format ${format}, of which ${FORMAT.EXPIRING} is the last known here`);
  }
  const values = reader.uvarint();
  const expiries: number[] = [];
  for (let left = reader.count(1); left > 0; left--) expiries.push(reader.uvarint());
  return { format, valued: values, expiries };
}

function expiriesOf(values: readonly Sibling[]): readonly number[] {
  const expiries: number[] = [];
  for (const { expiresAtMs } of values) if (expiresAtMs !== undefined) expiries.push(expiresAtMs);
  return expiries.length < 2 ? expiries : expiries.sort(compareNumbers);
}

function encodeSibling(writer: Writer, sibling: Sibling, vector: VersionVector): void {
  const { dot, clock, stamp, deleted, expiresAtMs, contentType, value, origin, operation } = sibling;
  const hasOwnClock = !clock.equals(vector);
  writer.u8(
    (deleted ? DELETED : 0) |
      (origin.fallback ? BY_FALLBACK : 0) |
      (origin.context ? WITH_CONTEXT : 0) |
      (hasOwnClock ? OWN_CLOCK : 0) |
      (operation ? WITH_OPERATION : 0) |
      (expiresAtMs === undefined ? 0 : WITH_EXPIRY),
  );
  encodeCoveredDot(writer, dot, vector);
  writer.uvarint(stamp);
  if (hasOwnClock) encodeVector(writer, clock);
  if (operation) encodeOperation(writer, operation);
  if (expiresAtMs !== undefined) writer.uvarint(expiresAtMs);
  writer.string(origin.node);
  writer.string(contentType);
  writer.blob(value);
}

function decodeSibling(reader: Reader, vector: VersionVector): Sibling {
  const flags = reader.u8();
  if ((flags & ~KNOWN_BITS) !== 0) throw new MalformedError(`unknown flags of a sibling: ${flags}`);
  const isDeleted = (flags & DELETED) !== 0;
  if (isDeleted && (flags & WITH_EXPIRY) !== 0) throw new MalformedError("a tombstone that expires");
  const dot = decodeCoveredDot(reader, vector);
  const stamp = reader.uvarint() as Stamp;
  const clock = (flags & OWN_CLOCK) === 0 ? vector : decodeVector(reader);
  if ((flags & OWN_CLOCK) !== 0 && clock.equals(vector)) throw new MalformedError("a clock that is written twice");
  if (!clock.covers(dot)) throw new MalformedError("a clock that does not cover its own dot");
  const operation = (flags & WITH_OPERATION) === 0 ? undefined : decodeOperation(reader);
  const expiresAtMs = (flags & WITH_EXPIRY) === 0 ? undefined : reader.uvarint();
  if (expiresAtMs === 0) throw new MalformedError("an expiry before all time");
  const origin = {
    node: decodeText(reader),
    fallback: (flags & BY_FALLBACK) !== 0,
    context: (flags & WITH_CONTEXT) !== 0,
  };
  const contentType = decodeText(reader);
  const value = reader.blob();
  const sibling: Writable<Sibling> = { dot, clock, stamp, deleted: isDeleted, contentType, value, origin };
  if (expiresAtMs !== undefined) sibling.expiresAtMs = expiresAtMs;
  if (operation !== undefined) sibling.operation = operation;
  return sibling;
}

/** A sibling's dot is covered by the vector, so the position of its lifetime there says most of it. */
function encodeCoveredDot(writer: Writer, { actor, n }: Dot, vector: VersionVector): void {
  writer.uvarint(vector.lifetimes.findIndex((events) => compareLifetimes(events, actor) === 0));
  writer.uvarint(actor.chain);
  writer.uvarint(n);
}

function decodeCoveredDot(reader: Reader, vector: VersionVector): Dot {
  const events = vector.lifetimes[reader.uvarint()];
  if (events === undefined) throw new MalformedError("a dot of a lifetime that the vector does not have");
  const { instance, boot, birth } = events;
  const dot = { actor: { instance, boot, birth, chain: reader.uvarint() }, n: reader.uvarint() };
  if (dot.n === 0 || !vector.covers(dot)) throw new MalformedError("a dot that the vector does not cover");
  return dot;
}

function encodeOperation(writer: Writer, { id, check }: Operation): void {
  writer.raw(id);
  writer.u64(check);
}

function decodeOperation(reader: Reader): Operation {
  return { id: reader.raw(OPERATION_ID_BYTES), check: reader.u64() };
}
