/** One key over HTTP: GET, HEAD, PUT and DELETE on `/v1/kv/:bucket/:key` (CONTRACT §3, "Keys"; Dynamo §4.3: get and put with a context). */
import type { OutgoingHttpHeaders } from "node:http";
import type { Got, PutCommand, PutDone, Sibling } from "@kvorum/core";
import { readBody } from "./body.js";
import { ENVELOPE_TYPE, asBuffer, contextText, envelopeOf, siblingsOf, wantsEnvelope } from "./envelope.js";
import type { Exchange } from "./exchange.js";
import { keyNamesOf, quorumParametersOf } from "./parameters.js";
import type { KeyNames, QuorumParameters } from "./parameters.js";
import { PROBLEM_TYPE, problemDocument } from "./problem.js";
import type { Route } from "./routes.js";
import type { Target } from "./target.js";
import {
  DEFAULT_CONTENT_TYPE,
  contentTypeOf,
  ifAbsentOf,
  isContentType,
  refuseIfNoneMatch,
  refuseTtl,
  ttlOf,
  writeHeadersOf,
} from "./write-headers.js";
import type { WriteHeaders } from "./write-headers.js";

const PATH = "/v1/kv/:bucket/:key";

export const kvRoutes: readonly Route[] = [
  { method: "GET", path: PATH, operation: "get", handle: get },
  { method: "PUT", path: PATH, operation: "put", handle: put },
  { method: "DELETE", path: PATH, operation: "delete", handle: remove },
];

function get(exchange: Exchange, target: Target): void {
  const { door, request } = exchange;
  const names = keyNamesOf(target);
  const { r, sloppy, local, timeoutMs } = quorumParametersOf(door, target, names.bucket, true);
  const asEnvelope = wantsEnvelope(request.headers.accept);
  const { id } = door.node.keyOf(names.bucket, names.key);
  exchange.ask<Got>(
    (reply) => door.node.get({ kind: "get", id, r, sloppy, local, hops: 0 }, timeoutMs, reply),
    (got) => answerRead(exchange, names, got, asEnvelope),
  );
}

function put(exchange: Exchange, target: Target): void {
  const { limits } = exchange.door;
  const { headers } = exchange.request;
  const write = writeOf(exchange, target);
  const contentType = contentTypeOf(headers, limits);
  const ifAbsent = ifAbsentOf(headers);
  const ttlSeconds = ttlOf(headers);
  readBody(exchange, limits.valueBytesMax, (value) =>
    submit(exchange, write, { value, contentType, ifAbsent, ttlSeconds }),
  );
}

/** A body has no meaning here and is not looked at. */
function remove(exchange: Exchange, target: Target): void {
  refuseIfNoneMatch(exchange.request.headers);
  refuseTtl(exchange.request.headers);
  const write = writeOf(exchange, target);
  submit(exchange, write, { value: undefined, contentType: "", ifAbsent: false });
}

interface Write {
  readonly id: Uint8Array;
  readonly headers: WriteHeaders;
  readonly quorum: QuorumParameters;
}

/** All that can be checked before the body is read. */
function writeOf({ door, request }: Exchange, target: Target): Write {
  const { bucket, key } = keyNamesOf(target);
  const quorum = quorumParametersOf(door, target, bucket, false);
  const headers = writeHeadersOf(request.headers, door.limits);
  return { id: door.node.keyOf(bucket, key).id, headers, quorum };
}

function submit(
  exchange: Exchange,
  { id, headers, quorum }: Write,
  what: Pick<PutCommand, "value" | "contentType" | "ifAbsent" | "ttlSeconds">,
): void {
  const { node } = exchange.door;
  const { context, idempotencyKey, attempt } = headers;
  const write = { id, ...what, context, w: quorum.w, sloppy: quorum.sloppy, hops: 0 };
  const operation = idempotencyKey === undefined ? undefined : node.operationOf(idempotencyKey, write, attempt);
  exchange.ask<PutDone>(
    (reply) => node.put({ kind: "put", ...write, operation }, quorum.timeoutMs, reply),
    (done) => exchange.send(204, causalHeaders(done), undefined),
  );
}

function answerRead(exchange: Exchange, names: KeyNames, got: Got, asEnvelope: boolean): void {
  const siblings = siblingsOf(exchange.door.primitives, got);
  const headers = causalHeaders(got);
  if (siblings.length === 0) return answerNothing(exchange, names, got, { headers, asEnvelope });

  exchange.door.metrics.observeSiblings(siblings.length);
  headers["Kvorum-Siblings"] = String(siblings.length);
  if (asEnvelope || siblings.length > 1) {
    headers["Content-Type"] = ENVELOPE_TYPE;
    const body = Buffer.from(JSON.stringify(envelopeOf(names, got, siblings)));
    return exchange.send(asEnvelope ? 200 : 300, headers, body);
  }
  answerValue(exchange, siblings[0] as Sibling, headers);
}

function answerValue(exchange: Exchange, { value, contentType }: Sibling, headers: OutgoingHttpHeaders): void {
  headers["Content-Type"] = isContentType(contentType) ? contentType : DEFAULT_CONTENT_TYPE;
  // Values are anybody's: one that a browser would show must not run as a page of the node's own.
  headers["X-Content-Type-Options"] = "nosniff";
  headers["Content-Security-Policy"] = "sandbox";
  exchange.send(200, headers, asBuffer(value));
}

function answerNothing(
  exchange: Exchange,
  names: KeyNames,
  got: Got,
  { headers, asEnvelope }: { readonly headers: OutgoingHttpHeaders; readonly asEnvelope: boolean },
): void {
  headers["Content-Type"] = asEnvelope ? ENVELOPE_TYPE : PROBLEM_TYPE;
  const detail = `no value stands under ${JSON.stringify(names.key)} in the bucket ${names.bucket}`;
  const document = asEnvelope
    ? envelopeOf(names, got, [])
    : problemDocument({ code: "not-found", detail, effect: "none" }, exchange.request.method);
  exchange.send(404, headers, Buffer.from(JSON.stringify(document)), "not-found");
}

/** The context for the client's next write, and how many fallbacks the quorum counted, when it did count some. */
function causalHeaders({ context, fallbacks }: Got | PutDone): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { "Cache-Control": "no-store" };
  const text = contextText(context);
  if (text !== undefined) headers["Kvorum-Context"] = text;
  if (fallbacks > 0) headers["Kvorum-Fallbacks"] = String(fallbacks);
  return headers;
}
