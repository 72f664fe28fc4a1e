/** Buckets over HTTP: their names, and how each one's reads, writes and conflicts are done (CONTRACT §3, "Buckets and lists"). */
import type { BucketChange, BucketConfig } from "@kvorum/core";
import type { z } from "zod";
import { readBody } from "./body.js";
import type { Exchange } from "./exchange.js";
import { bucketOf, checkedQuorum, timeoutOf } from "./parameters.js";
import { ProblemError } from "./problem.js";
import type { Route } from "./routes.js";
import { bucketChange } from "./schemas.js";
import { parseQuery } from "./target.js";
import type { Target } from "./target.js";

const PATH = "/v1/buckets/:bucket";
const utf8 = new TextDecoder("utf-8", { fatal: true });

export const bucketRoutes: readonly Route[] = [
  { method: "GET", path: "/v1/buckets", operation: "buckets", handle: list },
  { method: "GET", path: PATH, operation: "get-bucket", handle: get },
  { method: "PUT", path: PATH, operation: "set-bucket", handle: put },
];

function list(exchange: Exchange, { query }: Target): void {
  const { door } = exchange;
  const timeoutMs = timeoutOf(door, parseQuery(query, ["timeout"]));
  exchange.ask<readonly { readonly name: string; readonly keys: number }[]>(
    (reply) => door.node.listBuckets(timeoutMs, reply),
    (buckets) => exchange.json(200, { buckets }),
  );
}

/** A bucket exists as soon as it is named: one that was never configured answers with what holds for it. */
function get(exchange: Exchange, target: Target): void {
  const bucket = bucketOf(target);
  parseQuery(target.query, []);
  exchange.json(200, exchange.door.node.bucketConfig(bucket));
}

function put(exchange: Exchange, target: Target): void {
  const { node, limits } = exchange.door;
  const bucket = bucketOf(target);
  parseQuery(target.query, []);
  readBody(exchange, limits.httpDocumentBytesMax, (body) => {
    const change = changeOf(body, node.bucketConfig(bucket).n);
    exchange.ask<BucketConfig>(
      (reply) => node.setBucketConfig(bucket, change, reply),
      (config) => exchange.json(200, config),
    );
  });
}

function changeOf(body: Uint8Array, n: number): BucketChange {
  const checked = bucketChange.safeParse(documentOf(body));
  if (!checked.success) throw new ProblemError("bad-parameter", describe(checked.error));
  const { r, w, conflicts, ttl, n: wanted } = checked.data;
  if (wanted !== undefined && wanted !== n) {
    throw new ProblemError(
      "n-fixed",
      `n is ${n} for every bucket of this cluster, fixed when it was founded; leave n out`,
    );
  }
  return {
    ...(r !== undefined && { r: checkedQuorum("r", r, n) }),
    ...(w !== undefined && { w: checkedQuorum("w", w, n) }),
    ...(conflicts !== undefined && { conflicts }),
    ...(ttl !== undefined && { ttl }),
  };
}

function documentOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(body));
  } catch {
    const example = '{"r":"quorum","w":"quorum","conflicts":"siblings"}';
    throw new ProblemError("bad-parameter", `the body must be a JSON object such as ${example}`);
  }
}

/** Where and what, in one line: `conflicts: expected one of "siblings"|"lww"`. */
function describe({ issues }: z.ZodError): string {
  const lines = issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`));
  return lines.join("; ");
}
