/** Lists over the whole cluster, a page at a time: the keys of a bucket, and the keys that wait for somebody to resolve them (CONTRACT §3). */
import { keyProblem } from "@kvorum/core";
import type { ConflictPage, KeyPage } from "@kvorum/core";
import type { DoorContext, Exchange } from "./exchange.js";
import { bucketOf, checkedBucket, timeoutOf, wholeNumber } from "./parameters.js";
import { ProblemError } from "./problem.js";
import type { Route } from "./routes.js";
import { parseQuery } from "./target.js";
import type { Query, Target } from "./target.js";

export const listRoutes: readonly Route[] = [
  { method: "GET", path: "/v1/kv/:bucket", operation: "list", handle: keys },
  { method: "GET", path: "/v1/conflicts", operation: "conflicts", handle: conflicts },
];

function keys(exchange: Exchange, target: Target): void {
  const { door } = exchange;
  const bucket = bucketOf(target);
  const query = parseQuery(target.query, ["prefix", "limit", "cursor", "timeout"]);
  const page = { bucket, prefix: prefixOf(query), ...pageOf(door, query) };
  const timeoutMs = timeoutOf(door, query);
  exchange.ask<KeyPage>(
    (reply) => door.node.listKeys(page, timeoutMs, reply),
    ({ keys, cursor }) => exchange.json(200, { keys, cursor }),
  );
}

function conflicts(exchange: Exchange, target: Target): void {
  const { door } = exchange;
  const query = parseQuery(target.query, ["bucket", "limit", "cursor", "timeout"]);
  const bucket = query.get("bucket") ?? "";
  const page = { ...(bucket !== "" && { bucket: checkedBucket(bucket) }), ...pageOf(door, query) };
  const timeoutMs = timeoutOf(door, query);
  exchange.ask<ConflictPage>(
    (reply) => door.node.listConflicts(page, timeoutMs, reply),
    ({ conflicts, cursor, total }) => exchange.json(200, { conflicts, cursor, total }),
  );
}

/** An empty cursor asks for the first page, so that a client can always send one. */
function pageOf({ limits }: DoorContext, query: Query): { readonly limit: number; readonly cursor?: string } {
  const limit = wholeNumber(query, "limit", { least: 1, most: limits.listLimitMax, unless: limits.listLimitDefault });
  const cursor = query.get("cursor") ?? "";
  return cursor === "" ? { limit } : { limit, cursor };
}

function prefixOf(query: Query): string {
  const prefix = query.get("prefix") ?? "";
  const problem = prefix === "" ? undefined : keyProblem(prefix);
  if (problem !== undefined) throw new ProblemError("bad-parameter", `the prefix starts no key: as a key, ${problem}`);
  return prefix;
}
