/** Adds a record to what its segment's index file will say. */
import { assert } from "@kvorum/core";
import { LISTED_WORDS, listed } from "./format/entry-list.js";
import { kinds, UNIT_BYTES } from "./format/record.js";
import { FLAG_DAMAGED, SIZE_MAX } from "./index/partition-table.js";
import type { Segment } from "./segment.js";

/** What a record says beside its key and value. */
export interface Said {
  readonly kind: number;
  readonly partition: number;
  readonly high: number;
  readonly low: number;
  readonly digestHigh: number;
  readonly digestLow: number;
  readonly mark: number;
  readonly tag: number;
}

/** Gives where the words of the entry begin. */
export function listRecord(segment: Segment, said: Said, fingerprint: number, offset: number, length: number): number {
  const { entries } = segment;
  assert(entries !== undefined, "a segment that is written to is listed");
  const at = entries.grow();
  const { words } = entries;
  const units = length / UNIT_BYTES;
  words[at + listed.hashHigh] = said.high;
  words[at + listed.hashLow] = said.low;
  words[at + listed.digestHigh] = said.digestHigh;
  words[at + listed.digestLow] = said.digestLow;
  words[at + listed.fingerprint] = fingerprint;
  words[at + listed.offset] = offset / UNIT_BYTES;
  words[at + listed.slotAndSize] = (segment.slot << 16) | Math.min(units, SIZE_MAX);
  words[at + listed.marks] = (said.mark << 24) | (said.kind === kinds.damaged ? FLAG_DAMAGED : 0) | said.tag;
  words[at + listed.partitionAndKind] = (said.partition << 16) | said.kind;
  words[at + listed.size] = units;
  assert(at + LISTED_WORDS <= words.length, "the list has room for what it lists");
  return at;
}
