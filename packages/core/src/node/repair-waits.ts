/** What reads that were answered may hold in memory while they wait for the other owners, to mend them (read repair is "opportunistic", Dynamo §4.5). */

/** What a waiting read takes beside its state. */
const OVERHEAD_BYTES = 1_024;

export class RepairWaits {
  #bytes = 0;

  constructor(readonly bytesMax: number) {}

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes room for a state of that size; undefined when there is none. The returned function gives it back, once. */
  enter(stateBytes: number): (() => void) | undefined {
    const bytes = stateBytes + OVERHEAD_BYTES;
    if (this.#bytes + bytes > this.bytesMax) return undefined;
    this.#bytes += bytes;
    return () => (this.#bytes -= bytes);
  }
}
