/** What a read gives: the siblings of a key, decoded when they are first looked at, and the context that covers them. */
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

/** One version of a key. `T` is what the value was decoded to: bytes here. */
export interface Sibling<T> {
  readonly value: T;
  /** Names the write, for ever: `actor:n`. */
  readonly dot: string;
  /** Milliseconds since the epoch. It decides nothing, unless the bucket asked for last write wins. */
  readonly timestamp: number;
  /** Milliseconds since the epoch from which on no read shows it; undefined for a value that stays. */
  readonly expires?: number;
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

/** A version as bytes. Dot and clock are written out when they are asked for: most readers want the value alone. */
class RawSibling implements Sibling<Uint8Array> {
  readonly value: Uint8Array;
  readonly timestamp: number;
  readonly expires?: number;
  readonly contentType: string;
  readonly origin: StoredSibling["origin"];
  readonly #stored: Pick<StoredSibling, "dot" | "clock">;

  constructor({ value, stamp, expiresAtMs, contentType, origin, dot, clock }: StoredSibling) {
    // A slice would keep alive, for as long as the value is kept, all that came with it in one read of the socket.
    this.value = value.slice();
    this.timestamp = stampMs(stamp);
    if (expiresAtMs !== undefined) this.expires = expiresAtMs;
    this.contentType = contentType;
    this.origin = origin;
    this.#stored = { dot, clock };
  }

  get dot(): string {
    return formatDot(this.#stored.dot);
  }

  get clock(): Readonly<Record<string, number>> {
    return clockJson(this.#stored.clock);
  }
}

export class ReadResult {
  /** Covers all that was read, deleted versions too. Empty when the key was never seen. */
  readonly context: Uint8Array;
  readonly quorum: QuorumReport;
  readonly #text: TextCodec;
  #body: Uint8Array | undefined;
  #vector = VersionVector.EMPTY;
  #siblings: readonly Sibling<Uint8Array>[] | undefined;

  constructor(text: TextCodec, { body, context, needed, received, fallbacks }: Got) {
    this.context = context.slice();
    this.quorum = { needed, received, fallbacks };
    this.#text = text;
    this.#body = body;
  }

  /**
   * The versions that stand, none that was deleted; sorted by dot.
   * @throws MalformedError when the member's answer was no state.
   */
  get siblings(): readonly Sibling<Uint8Array>[] {
    return (this.#siblings ??= this.#decode());
  }

  /** The encoded state as it came; undefined once `siblings` was asked for. Copy what is kept, for the reason below. */
  get body(): Uint8Array | undefined {
    return this.#body;
  }

  /** Every write that the read knew of, those that were replaced or deleted included. */
  get vector(): VersionVector {
    this.#siblings ??= this.#decode();
    return this.#vector;
  }

  #decode(): readonly Sibling<Uint8Array>[] {
    const body = this.#body;
    if (body === undefined || body.length === 0) return [];
    const state = decodeState(new Reader(this.#text, body));
    this.#vector = state.vector;
    this.#body = undefined;
    // What had expired was left out by the member that answered: this process's clock is asked nothing.
    return valued(state).map((sibling) => new RawSibling(sibling));
  }
}
