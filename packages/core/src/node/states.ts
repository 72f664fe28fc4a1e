/** Where the node's bytes meet the versions room: states in and out of their encoded form, joined, outlined, and named by their digest. */
import { assert } from "../base/assert.js";
import { MalformedError, Reader, Writer } from "../base/bytes.js";
import { stampMs } from "../base/hlc.js";
import type { KeyId } from "../base/key-id.js";
import type { Primitives } from "../base/primitives.js";
import { digestOf } from "../replication/record.js";
import { contextOf, EMPTY_CONTEXT, type CausalContext } from "../versions/context.js";
import { openContext, sealContext } from "../versions/context-token.js";
import { divergentDots, EMPTY_STATE, live, type ConflictMode, type KeyState } from "../versions/key-state.js";
import { merge, settle } from "../versions/merge.js";
import { decodeState, encodeState, peekLive } from "../versions/state-codec.js";
import type { Outline } from "./holdings.js";

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

  /** The state in the form its bucket asks for now: it may have been written before the bucket chose last-write-wins. */
  settled(body: Uint8Array, mode: ConflictMode): KeyState {
    return settle(this.decode(body), mode);
  }

  /** Undefined stands for a key that was never seen. */
  stateOf(held: { readonly body: Uint8Array } | undefined): KeyState {
    return held === undefined ? EMPTY_STATE : this.decode(held.body);
  }

  liveCount(body: Uint8Array): number {
    return peekLive(new Reader(this.primitives.text, body));
  }

  outline(body: Uint8Array): Outline {
    const count = this.liveCount(body);
    if (count < 2) return { live: count, sinceMs: 0 };
    const stamps = live(this.decode(body))
      .map((sibling) => sibling.stamp)
      .sort((a, b) => a - b);
    const second = stamps[1];
    assert(second !== undefined, "a conflict has two live siblings");
    return { live: count, sinceMs: stampMs(second) };
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
