/** Makes of a segment's scanned records what its index file says of them. */
import { EntryList, listed, type ListedFact } from "../format/entry-list.js";
import { isFact, kinds, UNIT_BYTES } from "../format/record.js";
import { FLAG_DAMAGED, SIZE_MAX } from "../index/partition-table.js";
import type { Segment } from "../segment.js";
import type { ScannedRecord } from "./scan-segment.js";

export function listScan(
  segment: Segment,
  records: readonly ScannedRecord[],
  fingerprint: (key: Uint8Array) => number,
  nameOf: (key: Uint8Array) => string,
): EntryList {
  const entries = new EntryList();
  for (const record of records) {
    if (isFact(record.head.kind)) entries.facts.push(factOf(record, nameOf));
    else addEntry(entries, segment, record, fingerprint);
  }
  return entries;
}

function factOf({ head, key, value, offset, length }: ScannedRecord, nameOf: (key: Uint8Array) => string): ListedFact {
  const place = { offset: offset / UNIT_BYTES, units: length / UNIT_BYTES };
  const isPut = head.kind === kinds.putFact;
  const isDamaged = head.kind === kinds.damagedFact || (isPut && value === undefined);
  return { name: nameOf(key), value: isPut ? value : undefined, isDamaged, ...place };
}

function addEntry(
  entries: EntryList,
  segment: Segment,
  { head, offset, length, key, value }: ScannedRecord,
  fingerprint: (key: Uint8Array) => number,
): void {
  const at = entries.grow();
  const { words } = entries;
  const units = length / UNIT_BYTES;
  const isDamaged = value === undefined || head.kind === kinds.damaged;
  const hasFingerprint = head.kind === kinds.damaged || head.kind === kinds.remove;
  words[at + listed.hashHigh] = head.hashHigh;
  words[at + listed.hashLow] = head.hashLow;
  words[at + listed.digestHigh] = head.digestHigh;
  words[at + listed.digestLow] = head.digestLow;
  words[at + listed.fingerprint] = hasFingerprint ? head.digestLow : fingerprint(key);
  words[at + listed.offset] = offset / UNIT_BYTES;
  words[at + listed.slotAndSize] = (segment.slot << 16) | Math.min(units, SIZE_MAX);
  words[at + listed.marks] = (head.mark << 24) | (isDamaged ? FLAG_DAMAGED : 0) | head.tag;
  words[at + listed.partitionAndKind] = (head.partition << 16) | head.kind;
  words[at + listed.size] = units;
}
