/** Where a key's record lies in the files: for tests, which damage it there. */
import type { Primitives, RecordKey } from "@kvorum/core";
import type { Disk } from "./disk.js";
import { fingerprintOf } from "./format/fingerprint.js";
import { high32, low32 } from "./format/hash.js";
import { HEAD_BYTES, UNIT_BYTES } from "./format/record.js";
import { indexFile, segmentFile } from "./format/segment-header.js";
import type { KeyIndex, Name } from "./index/key-index.js";
import { word } from "./index/partition-table.js";
import { recover } from "./recovery/recover.js";
import type { Task } from "./task.js";

export interface RecordPlace {
  readonly file: string;
  readonly at: number;
  /** Of its head and key: the value comes behind. Of a fact the value too. */
  readonly length: number;
}

export interface FactPlace {
  readonly record: RecordPlace;
  readonly index: string;
}

export function placeIn(index: KeyIndex, { partition, key }: RecordKey, name: Name): RecordPlace | undefined {
  const entry = index.find(partition, name);
  if (entry === undefined) return undefined;
  const { id } = index.segments.at((entry[word.slotAndSize] as number) >>> 16);
  const at = (entry[word.offset] as number) * UNIT_BYTES;
  return { file: segmentFile(id), at, length: HEAD_BYTES + key.length };
}

/** Where a fact lies, in a store that is not opened: its record, and the index file that repeats it where there is one. */
export function* factPlaceOf(disk: Disk, primitives: Primitives, name: string): Task<FactPlace | undefined> {
  const state = yield* recover({ disk, primitives });
  if (typeof state === "string") return undefined;
  const fact = state.index.fact(name);
  if (fact === undefined) return undefined;
  const { id } = state.segments.at(fact.slot);
  const nameBytes = primitives.text.encodeInto(name, new Uint8Array(name.length * 3), 0);
  const length = HEAD_BYTES + nameBytes + (fact.value?.length ?? 0);
  const record = { file: segmentFile(id), at: fact.offset * UNIT_BYTES, length };
  return { record, index: indexFile(id) };
}

/** Of a store that is not opened. */
export function* placeOf(disk: Disk, primitives: Primitives, key: RecordKey): Task<RecordPlace | undefined> {
  const state = yield* recover({ disk, primitives });
  if (typeof state === "string") return undefined;
  const fingerprint = fingerprintOf(primitives, state.salt)(key.key);
  return placeIn(state.index, key, { high: high32(key.hash), low: low32(key.hash), fingerprint });
}
