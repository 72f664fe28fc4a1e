/** The ring as a client knows it: which addresses own a partition, so that a request goes straight to a replica (Dynamo §6.4). */
import { MalformedError, type Address, type RingTable } from "@kvorum/core";

/** One version of the table, turned into addresses. Immutable: a newer table is another `RingCache`. */
export class RingCache {
  readonly version: string;
  readonly partitions: number;
  /** All members, owners of something or not: any of them takes any request and passes it on. */
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
    this.members = table.members.map((member) => member.address);
    this.#owners = table.owners.map((places) => places.map((place) => this.#memberAt(place)));
  }

  /** In the order of the preference list. Empty while the partition has no owner. */
  owners(partition: number): readonly Address[] {
    return this.#owners[partition] ?? [];
  }

  #memberAt(place: number): Address {
    const address = this.members[place];
    if (address === undefined) throw new MalformedError(`owner ${place} of ${this.members.length} members`);
    return address;
  }
}
