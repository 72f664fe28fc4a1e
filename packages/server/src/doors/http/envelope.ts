/** The envelope: a key's siblings side by side, each with its bytes, dot, clock and origin, and the context that covers them all (CONTRACT §3). */
import { isUtf8 } from "node:buffer";
import { Reader, clockJson, decodeState, formatDot, stampMs, valued } from "@kvorum/core";
import type { Got, Primitives, Sibling } from "@kvorum/core";
import type { KeyNames } from "./parameters.js";

export const ENVELOPE_TYPE = "application/vnd.kvorum+json";

/** One sibling, as JSON. */
export interface SiblingDocument {
  readonly value: string;
  /** How `value` holds the bytes: as they are when they are UTF-8, else in base64. */
  readonly encoding: "utf8" | "base64";
  readonly contentType: string;
  /** `actor:n` */
  readonly dot: string;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  /** Milliseconds since the epoch from which on no read shows it; left out for a value that stays. */
  readonly expires?: number | undefined;
  /** The version vector that the write was made with, its own dot included. */
  readonly clock: Readonly<Record<string, number>>;
  readonly origin: { readonly node: string; readonly fallback: boolean; readonly context: boolean };
}

export interface EnvelopeDocument {
  readonly bucket: string;
  readonly key: string;
  /** Null when the key was never seen. */
  readonly context: string | null;
  readonly siblings: readonly SiblingDocument[];
  readonly quorum: { readonly needed: number; readonly received: number; readonly fallbacks: number };
}

/** The siblings that have a value (the coordinator has left out what had expired), in the order of their dots: the same list at every node. */
export function siblingsOf(primitives: Primitives, { body }: Got): readonly Sibling[] {
  return body.length === 0 ? [] : valued(decodeState(new Reader(primitives.text, body)));
}

export function envelopeOf({ bucket, key }: KeyNames, got: Got, siblings: readonly Sibling[]): EnvelopeDocument {
  const { needed, received, fallbacks } = got;
  return {
    bucket,
    key,
    context: contextText(got.context) ?? null,
    siblings: siblings.map(siblingDocument),
    quorum: { needed, received, fallbacks },
  };
}

/** A context as it stands in headers and envelopes; undefined for the empty one, which covers nothing. */
export function contextText(context: Uint8Array): string | undefined {
  return context.length === 0 ? undefined : asBuffer(context).toString("base64url");
}

/** The same bytes under Node's class, without a copy. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Whether an `Accept` header names the envelope, whatever else it names. */
export function wantsEnvelope(accept: string | undefined): boolean {
  // Most requests have no such header, or `*/*`.
  if (accept === undefined || !/kvorum/i.test(accept)) return false;
  return accept.split(",").some((range) => {
    const [type, ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    return type === ENVELOPE_TYPE && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}

function siblingDocument({ value, contentType, dot, stamp, expiresAtMs, clock, origin }: Sibling): SiblingDocument {
  const bytes = asBuffer(value);
  const encoding = isUtf8(bytes) ? "utf8" : "base64";
  return {
    value: bytes.toString(encoding),
    encoding,
    contentType,
    dot: formatDot(dot),
    timestamp: stampMs(stamp),
    ...(expiresAtMs !== undefined && { expires: expiresAtMs }),
    clock: clockJson(clock),
    origin,
  };
}
