/** Writers, names and generators that the tests of this room share. */
import * as fc from "fast-check";
import { Reader, Writer } from "../../src/base/bytes.js";
import type { Stamp } from "../../src/base/hlc.js";
import type { Dot, Lifetime } from "../../src/versions/actor.js";
import { formatDot } from "../../src/versions/actor.js";
import type { CausalContext } from "../../src/versions/context.js";
import { EMPTY_CONTEXT, contextOf } from "../../src/versions/context.js";
import { EMPTY_STATE } from "../../src/versions/key-state.js";
import type { ConflictMode, KeyState } from "../../src/versions/key-state.js";
import { merge } from "../../src/versions/merge.js";
import type { Operation } from "../../src/versions/operation.js";
import { findOperation } from "../../src/versions/retries.js";
import { decodeState, encodeState } from "../../src/versions/state-codec.js";
import { lifetimeAfterMerge, stampFloor, write } from "../../src/versions/write.js";
import type { WriteResult } from "../../src/versions/write.js";
import { testPrimitives } from "../primitives.js";

export const bytes = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
export const stamp = (value: number): Stamp => value as Stamp;

export const dotAt = (instance: number, n: number, chain = 0, boot = 1, birth = 1): Dot => ({
  actor: { instance, boot, birth, chain },
  n,
});

export function encoded(state: KeyState): Uint8Array {
  const writer = new Writer(testPrimitives.text);
  encodeState(writer, state);
  return writer.take();
}

export function decoded(source: Uint8Array): KeyState {
  const reader = new Reader(testPrimitives.text, source);
  const state = decodeState(reader);
  reader.finish();
  return state;
}

/** A state as text: equal states, equal texts. */
export const canon = (state: KeyState): string => Buffer.from(encoded(state)).toString("hex");

export const dotsOf = (state: KeyState): string[] => state.siblings.map((sibling) => formatDot(sibling.dot)).sort();

export interface PutOptions {
  readonly context?: CausalContext;
  readonly value?: string;
  readonly deleted?: boolean;
  readonly contentType?: string;
  readonly operation?: Operation;
  /** Milliseconds that this node's clock is off; stamps still exceed their floor. */
  readonly skew?: number;
  /** Instead of what this node's clock says. */
  readonly stampedAt?: Stamp;
  readonly isCurrentInstance?: (instance: number) => boolean;
  readonly expiresAtMs?: number;
}

/** One node's hold of one key, as the replication room would keep it: the state and the mark beside it. */
export class Replica {
  state: KeyState = EMPTY_STATE;
  lifetime: Lifetime | undefined;
  boot = 1;
  births = 0;
  retired = 0;
  readonly minted: string[] = [];

  constructor(
    readonly instance: number,
    readonly mode: ConflictMode = "siblings",
    readonly ticks: { now: number } = { now: 1000 },
  ) {}

  put(options: PutOptions = {}): WriteResult {
    const context = options.context ?? EMPTY_CONTEXT;
    const now = ++this.ticks.now + (options.skew ?? 0);
    const fresh = { boot: this.boot, birth: this.births + 1 };
    const result = write(this.state, {
      mode: this.mode,
      instance: this.instance,
      lifetime: this.lifetime,
      fresh,
      context,
      stamp: options.stampedAt ?? stamp(Math.max(now, stampFloor(this.state, context) + 1)),
      deleted: options.deleted ?? false,
      contentType: options.contentType ?? "text/plain",
      value: bytes(options.value ?? `${this.instance}-${now}`),
      origin: { node: `n${this.instance}`, fallback: false, context: !context.vector.isEmpty },
      ...(options.expiresAtMs !== undefined && { expiresAtMs: options.expiresAtMs }),
      ...(options.operation && { operation: options.operation }),
      ...(options.isCurrentInstance && { isCurrentInstance: options.isCurrentInstance }),
    });
    if (result.lifetime === fresh) this.births++;
    this.state = result.state;
    this.lifetime = result.lifetime;
    this.retired += result.retired;
    this.minted.push(formatDot(result.dot));
    return result;
  }

  /** A put with an operation, as a coordinator does it: one that is known is not written again. */
  putOnce(options: PutOptions & { readonly operation: Operation }): void {
    if (findOperation(this.state, options.operation, 0) === undefined) this.put(options);
  }

  receive(state: KeyState): void {
    this.lifetime = lifetimeAfterMerge(this.state.vector, this.instance, this.lifetime, state.vector);
    this.state = merge(this.state, state, this.mode);
  }

  read(): CausalContext {
    return contextOf(this.state);
  }

  /** The record and the mark beside it are gone: a lost disk, a failed checksum, a reaped tombstone, a hand-off. */
  lose(): void {
    this.state = EMPTY_STATE;
    this.lifetime = undefined;
  }
}

/** Drawn expiries lie between 1 and this, whatever the drawn clocks show: they order nothing. */
export const EXPIRY_MAX = 4;

export type Step =
  | {
      readonly kind: "put";
      readonly at: number;
      readonly context: number;
      readonly deleted: boolean;
      readonly operation: number;
      readonly skew: number;
      /** 0: it stays. A tombstone always does. */
      readonly expiry: number;
    }
  | { readonly kind: "merge"; readonly from: number; readonly to: number }
  | { readonly kind: "lose"; readonly at: number };

/** Runs steps on some replicas and returns every state that any of them ever had. Contexts are taken from all that clients ever got. */
export function play(replicas: readonly Replica[], steps: readonly Step[]): KeyState[] {
  const contexts: CausalContext[] = [EMPTY_CONTEXT];
  const operationContexts = new Map<number, CausalContext>();
  const states: KeyState[] = [EMPTY_STATE];
  const replicaAt = (i: number): Replica => replicas[i % replicas.length] as Replica;
  for (const step of steps) {
    const at = replicaAt(step.kind === "merge" ? step.to : step.at);
    if (step.kind === "lose") at.lose();
    else if (step.kind === "merge") at.receive(replicaAt(step.from).state);
    else {
      contexts.push(at.read());
      const drawn = contexts[step.context % contexts.length] as CausalContext;
      const isExpiring = step.expiry > 0 && (!step.deleted || step.operation > 0);
      const expiry = isExpiring ? { expiresAtMs: step.expiry } : {};
      const options = { deleted: step.deleted, skew: step.skew, ...expiry };
      if (step.operation === 0) contexts.push(at.put({ ...options, context: drawn }).context);
      else {
        // A retry is the same request: its context is the first attempt's.
        const context = operationContexts.get(step.operation) ?? drawn;
        operationContexts.set(step.operation, context);
        at.putOnce({
          ...options,
          deleted: false,
          context,
          value: `op${step.operation}`,
          operation: operationOf(step.operation),
        });
      }
    }
    states.push(at.state);
  }
  return states;
}

export function operationOf(number: number): Operation {
  const id = new Uint8Array(16);
  id[15] = number;
  return { id, check: BigInt(number) * 7n };
}

/** Steps over three replicas. `operations`: how many client operations are retried among them; 0 for none. */
export function stepsArbitrary(maxLength: number, operations: number, losses = true): fc.Arbitrary<Step[]> {
  const at = fc.nat(2);
  const put = fc.record({
    kind: fc.constant("put" as const),
    at,
    context: fc.oneof(fc.constant(0), fc.nat(1000)),
    deleted: fc.boolean(),
    operation: operations === 0 ? fc.constant(0) : fc.nat(operations),
    skew: fc.integer({ min: -5, max: 5 }),
    expiry: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: EXPIRY_MAX })),
  });
  const join = fc.record({ kind: fc.constant("merge" as const), from: at, to: at });
  const loss = fc.record({ kind: fc.constant("lose" as const), at });
  return fc.array(
    fc.oneof(
      { weight: 5, arbitrary: put },
      { weight: 5, arbitrary: join },
      { weight: losses ? 1 : 0, arbitrary: loss },
    ),
    { maxLength },
  );
}
