/** The bytes of owners' records, for the wire and the disk: the names once, then each record with places in that list. */
import { MalformedError, type Reader, type Writer } from "../base/bytes.js";
import type { OwnersPhase, OwnersRecord, PlacedRecord } from "./owners-record.js";

/** Names: count, each a string. Records: count, each partition u16, epoch uvarint, phase u8, `from` and `to` as counted lists of places. */
export function writeRecords(writer: Writer, placed: readonly PlacedRecord[]): void {
  const places = new Map<string, number>();
  for (const { record } of placed) {
    addPlaces(places, record.from);
    addPlaces(places, record.to);
  }
  writer.uvarint(places.size);
  for (const name of places.keys()) writer.string(name);
  writer.uvarint(placed.length);
  for (const { partition, record } of placed) {
    writer.u16(partition);
    writer.uvarint(record.epoch);
    writer.u8(record.phase);
    writeSet(writer, places, record.from);
    writeSet(writer, places, record.to);
  }
}

function addPlaces(places: Map<string, number>, names: readonly string[]): void {
  for (const name of names) if (!places.has(name)) places.set(name, places.size);
}

function writeSet(writer: Writer, places: ReadonlyMap<string, number>, names: readonly string[]): void {
  writer.uvarint(names.length);
  for (const name of names) writer.uvarint(places.get(name) as number);
}

/** Throws {@link MalformedError}. */
export function readRecords(reader: Reader): PlacedRecord[] {
  const names = Array.from({ length: reader.count() }, () => reader.string());
  const readSet = (): string[] =>
    Array.from({ length: reader.count() }, () => {
      const name = names[reader.uvarint()];
      if (name === undefined) throw new MalformedError("an owner that is not among the names");
      return name;
    });
  return Array.from({ length: reader.count() }, () => {
    const partition = reader.u16();
    const epoch = reader.uvarint();
    const phase = phaseOf(reader.u8());
    const record: OwnersRecord = { epoch, phase, from: readSet(), to: readSet() };
    return { partition, record };
  });
}

export function phaseOf(value: number): OwnersPhase {
  if (value !== 1 && value !== 2 && value !== 3) throw new MalformedError(`${value} is no phase`);
  return value;
}
