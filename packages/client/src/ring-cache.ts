/** The ring as a client knows it: which addresses own a partition, so that a request goes straight to a replica (Dynamo §6.4). */
import { MalformedError, type Address, type RingTable } from "@kvorum/core";
import { isAddress } from "./address.js";

/** One version of the table, turned into addresses. Immutable: a newer table is another `RingCache`. */
export class RingCache {
  readonly version: string;
  readonly partitions: number;
  /** Owners of something or not: any member takes any request and passes it on. Those whose address is not known yet are left out. */
  readonly members: readonly Address[];
  readonly #owners: readonly (readonly Address[])[];

  /** Throws {@link MalformedError} for a table that cannot be: a count that is no power of two, an owner who is no member. */
  constructor(table: RingTable) {
    const partitions = table.owners.length;
    if (partitions === 0 || (partitions & (partitions - 1)) !== 0) {
      throw new MalformedError(`a ring of ${partitions} partitions; a power of two was expected`);
    }
    this.version = table.version;
    this.partitions = partitions;
    this.members = table.members.map((member) => member.address).filter(isAddress);
    this.#owners = table.owners.map((places) => places.map((place) => addressAt(table, place)).filter(isAddress));
  }

  /** In the order of the preference list. Empty while nothing is known of an owner. */
  owners(partition: number): readonly Address[] {
    return this.#owners[partition] ?? [];
  }
}

function addressAt({ members }: RingTable, place: number): Address {
  const member = members[place];
  if (member === undefined) throw new MalformedError(`owner ${place} of ${members.length} members`);
  return member.address;
}
