/** The cluster over HTTP: its members, its ring, and what every replica of one key holds (CONTRACT §3, "Cluster"). What changes its membership is member-changes.ts. */
import type { Explanation, RepairView, RiskView } from "@kvorum/core";
import type { Exchange } from "./exchange.js";
import { checkedBucket, checkedKey, keyNamesOf, timeoutOf } from "./parameters.js";
import { ProblemError } from "./problem.js";
import type { Route } from "./routes.js";
import { leave, plan, remove } from "./member-changes.js";
import { parseQuery } from "./target.js";
import type { Target } from "./target.js";

export const clusterRoutes: readonly Route[] = [
  { method: "GET", path: "/v1/cluster", operation: "cluster", handle: cluster },
  { method: "GET", path: "/v1/ring", operation: "ring", handle: ring },
  { method: "GET", path: "/v1/digests", operation: "digests", handle: digests },
  { method: "GET", path: "/v1/risk", operation: "risk", handle: risk },
  { method: "GET", path: "/v1/repair", operation: "repair-status", handle: repairStatus },
  { method: "POST", path: "/v1/repair", operation: "repair", handle: startRepair },
  { method: "GET", path: "/v1/cluster/plan", operation: "plan", handle: plan },
  { method: "POST", path: "/v1/cluster/members/:name/leave", operation: "leave", handle: leave },
  { method: "DELETE", path: "/v1/cluster/members/:name", operation: "remove", handle: remove },
  { method: "GET", path: "/v1/kv/:bucket/:key/explain", operation: "explain", handle: explain },
];

function cluster(exchange: Exchange, { query }: Target): void {
  parseQuery(query, []);
  exchange.json(200, exchange.door.node.cluster());
}

/** With a bucket and a key: where that key lives. With neither: the whole ring. */
function ring(exchange: Exchange, target: Target): void {
  const { node } = exchange.door;
  const query = parseQuery(target.query, ["bucket", "key"]);
  const bucket = query.get("bucket") ?? "";
  const key = query.get("key") ?? "";
  if (bucket === "" && key === "") return exchange.json(200, node.ringView());
  if (bucket === "" || key === "") {
    throw new ProblemError(
      "bad-parameter",
      "give both bucket and key for the place of one key, or neither for the ring",
    );
  }
  exchange.json(200, node.place(node.keyOf(checkedBucket(bucket), checkedKey(key)).id));
}

function digests(exchange: Exchange, { query }: Target): void {
  parseQuery(query, []);
  exchange.json(200, exchange.door.node.digests());
}

function risk(exchange: Exchange, { query }: Target): void {
  const { door } = exchange;
  const timeoutMs = timeoutOf(door, parseQuery(query, ["timeout"]));
  exchange.ask<RiskView>(
    (reply) => door.node.risk(timeoutMs, reply),
    (view) => exchange.json(200, view),
  );
}

function repairStatus(exchange: Exchange, { query }: Target): void {
  parseQuery(query, []);
  exchange.ask<RepairView>(
    (reply) => exchange.door.node.repairStatus(reply),
    (status) => exchange.json(200, status),
  );
}

/** Every member that can be reached has begun when the answer comes; none of them has ended. */
function startRepair(exchange: Exchange, { query }: Target): void {
  parseQuery(query, []);
  exchange.ask<RepairView>(
    (reply) => exchange.door.node.repair(reply),
    (status) => exchange.json(202, status),
  );
}

function explain(exchange: Exchange, target: Target): void {
  const { door } = exchange;
  const { bucket, key } = keyNamesOf(target);
  const timeoutMs = timeoutOf(door, parseQuery(target.query, ["timeout"]));
  const { id } = door.node.keyOf(bucket, key);
  exchange.ask<Explanation>(
    (reply) => door.node.explain(id, timeoutMs, reply),
    (explanation) => exchange.json(200, explanation),
  );
}
