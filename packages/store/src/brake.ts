/**
 * Holds writes back as the last resort, so that what merging copies and what is written meanwhile fit into the space that the store may take. A group waits
 * for a slice or some, which is milliseconds, and never for anything but the progress of a merge.
 */
interface Held {
  readonly bytes: number;
  readonly go: () => void;
}

/** Where so much may be written for each byte that is copied, nothing is held: the disk is not that much faster for writes. */
const PLENTY = 3;
export class Brake {
  readonly #perCopied: (bytes: number) => number;
  #held: Held | undefined;
  /** What copying has earned and writes have not used; below zero after a large group. */
  #credit = 0;

  /**
   * `perCopied`: how many bytes may be written for each that is copied from now on; without end where a group of so many bytes need not wait, and 0 where it
   * must, though nothing is copied just now.
   */
  constructor(perCopied: (bytes: number) => number) {
    this.#perCopied = perCopied;
  }

  /** Calls `go` when so many bytes may be written. One waits at a time: the log writes one group after the other. */
  pass(bytes: number, go: () => void): void {
    const perCopied = this.#perCopied(bytes);
    if (perCopied >= PLENTY) return go();
    this.#held = { bytes, go };
    if (perCopied > 0) this.#spend();
  }

  /** A merge has copied so many bytes. */
  copied(bytes: number): void {
    // What was not used is not saved up: who needed none then may be many later.
    this.#credit = Math.min(this.#credit, 0) + bytes * Math.min(PLENTY, this.#perCopied(0));
    this.#spend();
  }

  /** Merging did something else, and there may be room. */
  look(): void {
    if (this.#held !== undefined && this.#perCopied(this.#held.bytes) >= PLENTY) this.#letGo();
  }

  /** Nothing goes on that would let go what is held. */
  release(): void {
    this.#credit = 0;
    this.#letGo();
  }

  #spend(): void {
    if (this.#held === undefined || this.#credit <= 0) return;
    this.#credit -= this.#held.bytes;
    this.#letGo();
  }

  #letGo(): void {
    const held = this.#held;
    this.#held = undefined;
    held?.go();
  }
}
