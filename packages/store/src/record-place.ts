/** Where a key's record lies in the files: for tests, which damage it there. */
import type { Primitives, RecordKey } from "@kvorum/core";
import type { Disk } from "./disk.js";
import { fingerprintOf } from "./format/fingerprint.js";
import { high32, low32 } from "./format/hash.js";
import { HEAD_BYTES, UNIT_BYTES } from "./format/record.js";
import { segmentFile } from "./format/segment-header.js";
import type { KeyIndex, Name } from "./index/key-index.js";
import { word } from "./index/partition-table.js";
import { recover } from "./recovery/recover.js";
import type { Task } from "./task.js";

export interface RecordPlace {
  readonly file: string;
  readonly at: number;
  /** Of its head and key: the value comes behind. */
  readonly length: number;
}

export function placeIn(index: KeyIndex, { partition, key }: RecordKey, name: Name): RecordPlace | undefined {
  const entry = index.find(partition, name);
  if (entry === undefined) return undefined;
  const { id } = index.segments.at((entry[word.slotAndSize] as number) >>> 16);
  const at = (entry[word.offset] as number) * UNIT_BYTES;
  return { file: segmentFile(id), at, length: HEAD_BYTES + key.length };
}

/** Of a store that is not opened. */
export function* placeOf(disk: Disk, primitives: Primitives, key: RecordKey): Task<RecordPlace | undefined> {
  const state = yield* recover({ disk, primitives });
  if (typeof state === "string") return undefined;
  const fingerprint = fingerprintOf(primitives, state.salt)(key.key);
  return placeIn(state.index, key, { high: high32(key.hash), low: low32(key.hash), fingerprint });
}
