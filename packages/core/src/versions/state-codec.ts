/** A key's state as bytes: one state, one byte string, on every node and for ever (docs/formats/key-state.md has a worked example). */
import { MalformedError } from "../base/bytes.js";
import type { Reader, Writer } from "../base/bytes.js";
import type { Stamp } from "../base/hlc.js";
import type { Dot } from "./actor.js";
import { compareLifetimes } from "./actor.js";
import { live } from "./key-state.js";
import type { KeyState } from "./key-state.js";
import { OPERATION_ID_BYTES } from "./operation.js";
import type { Operation } from "./operation.js";
import { PastOperations, RECORD_BYTES } from "./past-operations.js";
import { compareSiblings } from "./sibling.js";
import type { Sibling } from "./sibling.js";
import { decodeText } from "./text.js";
import { decodeVector, encodeVector } from "./vector-codec.js";
import type { VersionVector } from "./version-vector.js";

const FORMAT_VERSION = 1;

/** Bits of a sibling's first byte. Bit 5 is kept for an expiry; a reader refuses bits that it does not know. */
const DELETED = 1;
const BY_FALLBACK = 2;
const WITH_CONTEXT = 4;
const OWN_CLOCK = 8;
const WITH_OPERATION = 16;
const KNOWN_BITS = DELETED | BY_FALLBACK | WITH_CONTEXT | OWN_CLOCK | WITH_OPERATION;

/** The least that a sibling takes: a count that cannot be true is refused before anything is made for it. */
const SIBLING_BYTES_MIN = 8;

export function encodeState(writer: Writer, state: KeyState): void {
  writer.u8(FORMAT_VERSION);
  writer.uvarint(live(state).length);
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
  const liveCount = decodeHeader(reader);
  const vector = decodeVector(reader);
  const siblings: Sibling[] = [];
  for (let left = reader.count(SIBLING_BYTES_MIN); left > 0; left--) {
    const sibling = decodeSibling(reader, vector);
    const previous = siblings.at(-1);
    if (previous && compareSiblings(previous, sibling) >= 0) throw new MalformedError("siblings are out of order");
    siblings.push(sibling);
  }
  const operations = PastOperations.decode(reader.raw(reader.count(RECORD_BYTES) * RECORD_BYTES));
  const state = { siblings, vector, operations };
  if (live(state).length !== liveCount) throw new MalformedError("the header counts other versions than stand");
  return state;
}

/** How many versions with a value stand in an encoded state, without reading the rest: for lists and counts. @throws MalformedError */
export function peekLive(reader: Reader): number {
  return decodeHeader(reader);
}

function decodeHeader(reader: Reader): number {
  const version = reader.u8();
  if (version !== FORMAT_VERSION) throw new MalformedError(`a state of format ${version}, this is ${FORMAT_VERSION}`);
  return reader.uvarint();
}

function encodeSibling(writer: Writer, sibling: Sibling, vector: VersionVector): void {
  const { dot, clock, stamp, deleted, contentType, value, origin, operation } = sibling;
  const hasOwnClock = !clock.equals(vector);
  writer.u8(
    (deleted ? DELETED : 0) |
      (origin.fallback ? BY_FALLBACK : 0) |
      (origin.context ? WITH_CONTEXT : 0) |
      (hasOwnClock ? OWN_CLOCK : 0) |
      (operation ? WITH_OPERATION : 0),
  );
  encodeCoveredDot(writer, dot, vector);
  writer.uvarint(stamp);
  if (hasOwnClock) encodeVector(writer, clock);
  if (operation) encodeOperation(writer, operation);
  writer.string(origin.node);
  writer.string(contentType);
  writer.blob(value);
}

function decodeSibling(reader: Reader, vector: VersionVector): Sibling {
  const flags = reader.u8();
  if ((flags & ~KNOWN_BITS) !== 0) throw new MalformedError(`unknown flags of a sibling: ${flags}`);
  const dot = decodeCoveredDot(reader, vector);
  const stamp = reader.uvarint() as Stamp;
  const clock = (flags & OWN_CLOCK) === 0 ? vector : decodeVector(reader);
  if ((flags & OWN_CLOCK) !== 0 && clock.equals(vector)) throw new MalformedError("a clock that is written twice");
  if (!clock.covers(dot)) throw new MalformedError("a clock that does not cover its own dot");
  const operation = (flags & WITH_OPERATION) === 0 ? undefined : decodeOperation(reader);
  const node = decodeText(reader);
  return {
    dot,
    clock,
    stamp,
    deleted: (flags & DELETED) !== 0,
    contentType: decodeText(reader),
    value: reader.blob(),
    origin: { node, fallback: (flags & BY_FALLBACK) !== 0, context: (flags & WITH_CONTEXT) !== 0 },
    ...(operation && { operation }),
  };
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
