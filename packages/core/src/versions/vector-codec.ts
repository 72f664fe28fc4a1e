/** Version vectors as bytes: one vector, one byte string (docs/formats/key-state.md; the idea of grouping: Riak's and DVVSet's codecs). */
import { MalformedError } from "../base/bytes.js";
import type { Reader, Writer } from "../base/bytes.js";
import { limits } from "../base/limits.js";
import { COUNTER_MAX } from "./actor.js";
import type { ChainRuns } from "./chain-runs.js";
import { VersionVector } from "./version-vector.js";
import type { LifetimeEvents } from "./version-vector.js";

const INSTANCE_BYTES = 6;

/** Instances, each with its lifetimes, each with its runs. */
export function encodeVector(writer: Writer, vector: VersionVector): void {
  const { lifetimes } = vector;
  writer.uvarint(countInstances(lifetimes));
  for (let i = 0; i < lifetimes.length;) {
    const { instance } = lifetimes[i] as LifetimeEvents;
    const end = endOfInstance(lifetimes, i);
    writer.u48(instance);
    writer.uvarint(end - i);
    for (; i < end; i++) encodeEvents(writer, lifetimes[i] as LifetimeEvents);
  }
}

function encodeEvents(writer: Writer, { boot, birth, runs }: LifetimeEvents): void {
  writer.uvarint(boot);
  writer.uvarint(birth);
  writer.uvarint(runs.length / 2);
  for (const number of runs) writer.uvarint(number);
}

function countInstances(lifetimes: readonly LifetimeEvents[]): number {
  let count = 0;
  for (let i = 0; i < lifetimes.length; i = endOfInstance(lifetimes, i)) count++;
  return count;
}

function endOfInstance(lifetimes: readonly LifetimeEvents[], start: number): number {
  const { instance } = lifetimes[start] as LifetimeEvents;
  let end = start + 1;
  while (end < lifetimes.length && lifetimes[end]?.instance === instance) end++;
  return end;
}

/** @throws MalformedError for anything that {@link encodeVector} would not have written. */
export function decodeVector(reader: Reader): VersionVector {
  const instances = reader.count(INSTANCE_BYTES);
  // As long as it will be in nearly all cases: an array that grows from nothing takes room for sixteen.
  const lifetimes = new Array<LifetimeEvents>(instances);
  let end = 0;
  let previousInstance = -1;
  for (let i = 0; i < instances; i++) {
    const instance = reader.u48();
    if (instance <= previousInstance) throw new MalformedError("the instances of a vector are out of order");
    previousInstance = instance;
    end = decodeInstance(reader, instance, lifetimes, end);
  }
  return VersionVector.ofLifetimes(lifetimes);
}

/** Gives where its lifetimes end in `into`. */
function decodeInstance(reader: Reader, instance: number, into: LifetimeEvents[], start: number): number {
  const count = reader.count(5);
  if (count === 0) throw new MalformedError("an instance without lifetimes");
  let previousBoot = -1;
  let previousBirth = -1;
  for (let i = 0; i < count; i++) {
    const boot = decodeCounter(reader);
    const birth = decodeCounter(reader);
    if (boot < previousBoot || (boot === previousBoot && birth <= previousBirth)) {
      throw new MalformedError("the lifetimes of an instance are out of order");
    }
    previousBoot = boot;
    previousBirth = birth;
    into[start + i] = { instance, boot, birth, runs: decodeRuns(reader) };
  }
  return start + count;
}

function decodeRuns(reader: Reader): ChainRuns {
  const count = reader.count(2);
  const runs = new Array<number>(count * 2);
  let chains = 0;
  let previous = -1;
  for (let i = 0; i < count; i++) {
    const length = reader.uvarint();
    const counter = decodeCounter(reader);
    chains += length;
    if (length === 0 || counter === previous) throw new MalformedError("runs of chains that are not canonical");
    if (chains > limits.chainsMax) throw new MalformedError(`more than ${limits.chainsMax} chains of one lifetime`);
    previous = counter;
    runs[2 * i] = length;
    runs[2 * i + 1] = counter;
  }
  if (previous <= 0) throw new MalformedError("runs of chains that end without an event");
  return runs;
}

/** Boots, births and events are counted in 48 bits: a thousand events a second for nine thousand years. */
function decodeCounter(reader: Reader): number {
  const counter = reader.uvarint();
  if (counter > COUNTER_MAX) throw new MalformedError("a counter above 2^48 - 1");
  return counter;
}

export function uvarintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}

/** What one lifetime adds to an encoded vector, its share of the instance's header not counted. */
export function eventsBytes({ boot, birth, runs }: LifetimeEvents): number {
  let bytes = uvarintBytes(boot) + uvarintBytes(birth) + uvarintBytes(runs.length / 2);
  for (const number of runs) bytes += uvarintBytes(number);
  return bytes;
}

/** How many bytes {@link encodeVector} writes. */
export function vectorBytes({ lifetimes }: VersionVector): number {
  let bytes = uvarintBytes(countInstances(lifetimes));
  for (let i = 0; i < lifetimes.length;) {
    const end = endOfInstance(lifetimes, i);
    bytes += INSTANCE_BYTES + uvarintBytes(end - i);
    for (; i < end; i++) bytes += eventsBytes(lifetimes[i] as LifetimeEvents);
  }
  return bytes;
}
