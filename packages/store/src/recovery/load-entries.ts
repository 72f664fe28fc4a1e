/** Takes what an index file says into the index, in the order of the segment's records. */
import { LISTED_WORDS, listed, type EntryList } from "../format/entry-list.js";
import { kinds } from "../format/record.js";
import { FLAG_DAMAGED, SIZE_MAX } from "../index/partition-table.js";
import { nameAt, type KeyIndex } from "../index/key-index.js";
import type { Segment } from "../segment.js";

/** True where the user of the store has said that it knows of all losses until then. The words of `entries` are given this segment's slot. */
export function loadEntries(index: KeyIndex, segment: Segment, entries: EntryList): boolean {
  const { words } = entries;
  let isHeard = false;
  for (let i = 0; i < entries.length; i++) {
    const at = i * LISTED_WORDS;
    const partitionAndKind = words[at + listed.partitionAndKind] as number;
    const partition = partitionAndKind >>> 16;
    const units = words[at + listed.size] as number;
    words[at + listed.slotAndSize] = (segment.slot << 16) | Math.min(units, SIZE_MAX);
    switch (partitionAndKind & 0xffff) {
      case kinds.damaged:
        words[at + listed.marks] = (words[at + listed.marks] as number) | FLAG_DAMAGED;
        index.put(partition, words, at);
        break;
      case kinds.put:
        index.put(partition, words, at);
        break;
      case kinds.remove:
        index.remove(partition, nameAt(words, at));
        segment.pin(units);
        break;
      case kinds.drop:
        index.dropBefore(partition, words[at + listed.hashHigh] as number, words[at + listed.hashLow] as number);
        segment.pin(units);
        break;
      case kinds.heard:
        isHeard = true;
        segment.pin(units);
        break;
    }
  }
  loadFacts(index, segment, entries);
  return isHeard;
}

function loadFacts(index: KeyIndex, segment: Segment, { facts }: EntryList): void {
  for (const { name, value, isDamaged, offset, units } of facts) {
    const isThere = value !== undefined || isDamaged === true;
    index.setFact(name, isThere ? { value, slot: segment.slot, offset, units } : undefined);
    if (!isThere) segment.pin(units);
  }
}
