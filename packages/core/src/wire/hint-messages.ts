/** What a coordinator asks of a fallback: to keep a state for an owner, and what it keeps of a key (Dynamo §4.6). */

/** Gives a fallback a state to keep, with a hint for whom. Answered like a `store`. */
export interface StoreHint {
  readonly kind: "store-hint";
  readonly id: Uint8Array;
  readonly body: Uint8Array;
  /** The member that it is meant for, by the instance that has the name now. */
  readonly name: string;
  readonly instance: number;
}

/** Asks for what a member holds of a key whether it owns it or not. Answered like a `fetch`; absence proves nothing. */
export interface Peek {
  readonly kind: "peek";
  readonly id: Uint8Array;
}

export type HintRequest = StoreHint | Peek;
