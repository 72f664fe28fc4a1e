/** Where the node's bytes meet the versions room: states in and out of their encoded form, joined, outlined, and named by their digest. */
import { MalformedError, Reader, Writer } from "../base/bytes.js";
import { stampMs } from "../base/hlc.js";
import type { KeyId } from "../base/key-id.js";
import type { Primitives } from "../base/primitives.js";
import { digestOf } from "../replication/record.js";
import { contextOf, EMPTY_CONTEXT, type CausalContext } from "../versions/context.js";
import { openContext, sealContext } from "../versions/context-token.js";
import {
  divergentDots,
  EMPTY_STATE,
  valued,
  withoutExpired,
  type ConflictMode,
  type KeyState,
} from "../versions/key-state.js";
import { merge, settle } from "../versions/merge.js";
import { decodeState, encodeState, liveAt, peekLive } from "../versions/state-codec.js";
import { NO_VERSIONS, type Outline } from "./holdings.js";

/** A state in both of its forms: decoded once, where it came in. */
export interface Parsed {
  readonly body: Uint8Array;
  readonly state: KeyState;
}

/** An encoded state with its digest, as one replica holds it. */
export interface Copy {
  readonly body: Uint8Array;
  readonly digest: bigint;
}

export class States {
  /** Merges that found two contents under one dot (TRAPS 10): damage, or a broken encoder somewhere. */
  divergent = 0;
  readonly #writer: Writer;

  constructor(
    readonly primitives: Primitives,
    readonly secret: Uint8Array,
  ) {
    this.#writer = new Writer(primitives.text, 4096);
  }

  encode(state: KeyState): Uint8Array {
    this.#writer.reset();
    encodeState(this.#writer, state);
    return this.#writer.take();
  }

  /** @throws MalformedError */
  decode(body: Uint8Array): KeyState {
    const reader = new Reader(this.primitives.text, body);
    const state = decodeState(reader);
    reader.finish();
    return state;
  }

  /** @throws MalformedError */
  parse(body: Uint8Array): Parsed {
    return { body, state: this.decode(body) };
  }

  /** Bytes that came from a peer: undefined when they are no state. */
  receive(body: Uint8Array): Parsed | undefined {
    try {
      return this.parse(body);
    } catch (error) {
      if (error instanceof MalformedError) return undefined;
      throw error;
    }
  }

  /** The join of two states: `a` itself when `b` adds nothing to it, and `b` when `a` adds nothing. */
  join(a: Parsed, b: Parsed, mode: ConflictMode): Parsed {
    const state = merge(a.state, b.state, mode);
    if (state === a.state) return a;
    if (state === b.state) return b;
    if (divergentDots(state).length > 0) this.divergent++;
    return { body: this.encode(state), state };
  }

  copyOf(key: KeyId, body: Uint8Array): Copy {
    return { body, digest: digestOf(this.primitives, key.hash, body) };
  }

  joinCopies(key: KeyId, a: Copy, b: Copy, mode: ConflictMode): Copy {
    const { body } = this.join(this.parse(a.body), this.parse(b.body), mode);
    if (body === a.body) return a;
    return body === b.body ? b : this.copyOf(key, body);
  }

  /** Undefined stands for a key that was never seen. */
  stateOf(held: { readonly body: Uint8Array } | undefined): KeyState {
    return held === undefined ? EMPTY_STATE : this.decode(held.body);
  }

  /** Values that are shown at `nowMs` (milliseconds since the epoch). */
  liveCount(body: Uint8Array, nowMs: number): number {
    return liveAt(peekLive(new Reader(this.primitives.text, body)), nowMs);
  }

  outline(body: Uint8Array): Outline {
    const header = peekLive(new Reader(this.primitives.text, body));
    if (header.valued < 2) return { ...header, versions: NO_VERSIONS };
    const versions = valued(this.decode(body)).map(({ stamp, expiresAtMs = Infinity }) => ({
      writtenAtMs: stampMs(stamp),
      expiresAtMs,
    }));
    return { ...header, versions: versions.sort((a, b) => a.writtenAtMs - b.writtenAtMs) };
  }

  /** What a reader is shown of a state at `nowMs`, in the form its bucket asks for. The same body where that is all of it. */
  shown(body: Uint8Array, mode: ConflictMode, nowMs: number): Parsed {
    const state = this.decode(body);
    const shown = withoutExpired(settle(state, mode), nowMs);
    return { body: shown === state ? body : this.encode(shown), state: shown };
  }

  /** The context of a read that saw this state, as its client carries it. */
  sealContextOf(key: KeyId, state: KeyState): Uint8Array {
    return this.sealContext(key, contextOf(state));
  }

  sealContext(key: KeyId, context: CausalContext): Uint8Array {
    return sealContext(this.primitives, this.secret, key.id, context);
  }

  /** An empty token is the context of a blind write; undefined for one that is malformed, changed or of another key. */
  openContext(key: KeyId, token: Uint8Array): CausalContext | undefined {
    if (token.length === 0) return EMPTY_CONTEXT;
    return openContext(this.primitives, this.secret, key.id, token);
  }
}
