/**
 * What a read gives: the siblings of a key, decoded when they are first looked at, and the context that covers them. It holds what came from
 * the socket, so it is to be looked at and let go; what is taken out of it shares no memory with it.
 */
import {
  clockJson,
  decodeState,
  formatDot,
  Reader,
  VersionVector,
  stampMs,
  valued,
  type Got,
  type Sibling as StoredSibling,
  type TextCodec,
} from "@kvorum/core";
import { contextText } from "./context-text.js";

const NO_SIBLINGS: readonly never[] = [];

/** One version of a key. `T` is what the value was decoded to: bytes here. */
export interface Sibling<T> {
  readonly value: T;
  /** Names the write, for ever: `actor:n`. */
  readonly dot: string;
  /** Milliseconds since the epoch. It decides nothing, unless the bucket asked for last write wins. */
  readonly timestamp: number;
  /** Milliseconds since the epoch from which on no read shows it; undefined for a value that stays. */
  readonly expires?: number | undefined;
  readonly contentType: string;
  /** The version vector of the write, its own dot included: compare two to see which came first, or that neither did. */
  readonly clock: Readonly<Record<string, number>>;
  readonly origin: StoredSibling["origin"];
}

/** How many replies were needed and came, and how many of those from fallbacks. */
export interface QuorumReport {
  readonly needed: number;
  readonly received: number;
  readonly fallbacks: number;
}

/** A version as bytes, each part of it made when it is asked for: most readers want the value alone. */
export class RawSibling implements Sibling<Uint8Array> {
  readonly #stored: StoredSibling;
  #value: Uint8Array | undefined;

  constructor(stored: StoredSibling) {
    this.#stored = stored;
  }

  /** Bytes of its own: a slice would keep alive, for as long as it is kept, all that came with it in one read of the socket. */
  get value(): Uint8Array {
    return (this.#value ??= this.#stored.value.slice());
  }

  /** The bytes as they came: to be looked at now, and neither kept nor changed. */
  get received(): Uint8Array {
    return this.#stored.value;
  }

  get timestamp(): number {
    return stampMs(this.#stored.stamp);
  }

  get expires(): number | undefined {
    return this.#stored.expiresAtMs;
  }

  get contentType(): string {
    return this.#stored.contentType;
  }

  get origin(): StoredSibling["origin"] {
    return this.#stored.origin;
  }

  get dot(): string {
    return formatDot(this.#stored.dot);
  }

  get clock(): Readonly<Record<string, number>> {
    return clockJson(this.#stored.clock);
  }
}

export class ReadResult {
  readonly #text: TextCodec;
  readonly #answer: Got;
  #isDecoded = false;
  #context: Uint8Array | undefined;
  #vector = VersionVector.EMPTY;
  #siblings: readonly RawSibling[] = NO_SIBLINGS;

  constructor(text: TextCodec, answer: Got) {
    this.#text = text;
    this.#answer = answer;
  }

  /** Covers all that was read, deleted versions too. Empty when the key was never seen. */
  get context(): Uint8Array {
    return (this.#context ??= this.#answer.context.slice());
  }

  /** The same as programs carry it. */
  get contextText(): string {
    return contextText(this.#answer.context);
  }

  get quorum(): QuorumReport {
    const { needed, received, fallbacks } = this.#answer;
    return { needed, received, fallbacks };
  }

  /**
   * The versions that stand, none that was deleted; sorted by dot.
   * @throws MalformedError when the member's answer was no state.
   */
  get siblings(): readonly RawSibling[] {
    if (!this.#isDecoded) this.#decode();
    return this.#siblings;
  }

  /** The encoded state as it came. Copy what is kept. */
  get body(): Uint8Array {
    return this.#answer.body;
  }

  /** Every write that the read knew of, those that were replaced or deleted included. */
  get vector(): VersionVector {
    if (!this.#isDecoded) this.#decode();
    return this.#vector;
  }

  #decode(): void {
    const { body } = this.#answer;
    if (body.length > 0) {
      const state = decodeState(new Reader(this.#text, body));
      this.#vector = state.vector;
      // What had expired was left out by the member that answered: this process's clock is asked nothing.
      this.#siblings = valued(state).map((sibling) => new RawSibling(sibling));
    }
    this.#isDecoded = true;
  }
}
