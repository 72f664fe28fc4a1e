/** What the headers of a PUT or DELETE say: the context it follows, which write it is, and what must hold for it to be done (CONTRACT §3). */
import type { IncomingHttpHeaders } from "node:http";
import { TTL_WORDS, parseTtl } from "@kvorum/core";
import type { DoorLimits } from "./exchange.js";
import { ProblemError } from "./problem.js";

export interface WriteHeaders {
  /** Empty: the write is blind. */
  readonly context: Uint8Array;
  readonly idempotencyKey: string | undefined;
  /** 1 for the first; undefined when the client does not say. */
  readonly attempt: number | undefined;
}

export const DEFAULT_CONTENT_TYPE = "application/octet-stream";

const NO_CONTEXT = new Uint8Array(0);
const PRINTABLE = /^[\x20-\x7e]+$/;

/** Headers that change what a write means, and that we would otherwise break in silence. */
const REFUSED: readonly (readonly [keyof IncomingHttpHeaders, string])[] = [
  ["if-match", "there are no entity tags here: send the Kvorum-Context of the read that this write follows"],
  ["if-unmodified-since", "writes are ordered by causality, not by dates: send a Kvorum-Context"],
  ["content-range", "a value is written whole"],
  ["content-encoding", "a value is kept as it comes, with its Content-Type and nothing else: name the coding there"],
];

export function writeHeadersOf(headers: IncomingHttpHeaders, limits: DoorLimits): WriteHeaders {
  for (const [name, advice] of REFUSED) {
    if (headers[name] !== undefined)
      throw new ProblemError("bad-parameter", `the header ${name} is not taken: ${advice}`);
  }
  return {
    context: contextOf(headers["kvorum-context"], limits),
    idempotencyKey: idempotencyKeyOf(headers["idempotency-key"], limits),
    attempt: attemptOf(headers["kvorum-attempt"]),
  };
}

/** What the value will be stored and given back with. */
export function contentTypeOf(headers: IncomingHttpHeaders, limits: DoorLimits): string {
  const type = headers["content-type"];
  if (type === undefined || type === "") return DEFAULT_CONTENT_TYPE;
  if (isContentType(type) && type.length <= limits.contentTypeBytesMax) return type;
  const detail = `the Content-Type is at most ${limits.contentTypeBytesMax} printable ASCII characters`;
  throw new ProblemError("bad-parameter", detail);
}

/** Seconds that the value shall stay; undefined: as its bucket says. */
export function ttlOf(headers: IncomingHttpHeaders): number | undefined {
  const text = headers["kvorum-ttl"];
  if (text === undefined) return undefined;
  const ttl = typeof text === "string" ? parseTtl(text) : undefined;
  if (ttl !== undefined) return ttl;
  const detail = `Kvorum-TTL is ${TTL_WORDS}, or none for a value that stays whatever its bucket says, not ${JSON.stringify(text)}`;
  throw new ProblemError("bad-parameter", detail);
}

/** A tombstone stays until it can be reaped: an expiry on it would be broken in silence. */
export function refuseTtl(headers: IncomingHttpHeaders): void {
  if (headers["kvorum-ttl"] === undefined) return;
  throw new ProblemError("bad-parameter", "Kvorum-TTL is for PUT: what a DELETE removes is gone at once");
}

/** Whether a stored content type can stand in a header: another door may have taken one that cannot. */
export function isContentType(type: string): boolean {
  return PRINTABLE.test(type);
}

/** True for `If-None-Match: *`: write only where no value is. */
export function ifAbsentOf(headers: IncomingHttpHeaders): boolean {
  const condition = headers["if-none-match"];
  if (condition === undefined) return false;
  if (condition === "*") return true;
  throw new ProblemError("bad-parameter", "of If-None-Match only * is taken: there are no entity tags here");
}

/** A condition on a DELETE would be broken in silence: it has none to give. */
export function refuseIfNoneMatch(headers: IncomingHttpHeaders): void {
  if (headers["if-none-match"] === undefined) return;
  throw new ProblemError("bad-parameter", "If-None-Match is for PUT; a DELETE removes what its Kvorum-Context covers");
}

function contextOf(text: string | readonly string[] | undefined, limits: DoorLimits): Uint8Array {
  if (text === undefined) return NO_CONTEXT;
  if (typeof text === "string" && text !== "" && text.length <= limits.contextCharsMax) {
    const bytes = Buffer.from(text, "base64url");
    // Node reads over what it does not know; what was all base64url comes back the same.
    if (bytes.toString("base64url") === text) return bytes;
  }
  const detail =
    "the Kvorum-Context is none that was given out here; send one back as it came, or leave the header out for a blind write";
  throw new ProblemError("bad-context", detail);
}

function idempotencyKeyOf(key: string | readonly string[] | undefined, limits: DoorLimits): string | undefined {
  if (key === undefined) return undefined;
  if (typeof key === "string" && PRINTABLE.test(key) && key.length <= limits.idempotencyKeyBytesMax) return key;
  const detail = `the Idempotency-Key is 1-${limits.idempotencyKeyBytesMax} printable ASCII characters, for example a UUID`;
  throw new ProblemError("bad-parameter", detail);
}

function attemptOf(attempt: string | readonly string[] | undefined): number | undefined {
  if (attempt === undefined) return undefined;
  if (typeof attempt === "string" && /^[1-9]\d{0,8}$/.test(attempt)) return Number(attempt);
  throw new ProblemError(
    "bad-parameter",
    "Kvorum-Attempt is a whole number: 1 for the first attempt, 2 for the first retry",
  );
}
