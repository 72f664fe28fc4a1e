/** A snapshot of this node's data folder as a stream (CONTRACT §3): it changes nothing, and says no more than reading and listing do. */
import type { Exchange } from "./exchange.js";
import { ProblemError } from "./problem.js";
import type { Route } from "./routes.js";
import type { Snapshots } from "./snapshots.js";
import { parseQuery, type Target } from "./target.js";

export const BACKUP_TYPE = "application/vnd.kvorum.backup";

export const backupRoutes: readonly Route[] = [
  { method: "GET", path: "/v1/backup", operation: undefined, handle: backup },
];

function backup(exchange: Exchange, target: Target): void {
  parseQuery(target.query, []);
  const { snapshots } = exchange.door;
  if (snapshots === undefined) {
    const detail =
      'this node\'s storage engine takes no snapshots while it runs: stop the node and copy its folder, or run nodes with the engine "log"';
    throw new ProblemError("not-supported", detail);
  }
  // How long it is would be known only once it was taken.
  if (exchange.request.method === "HEAD") return exchange.send(200, { "Content-Type": BACKUP_TYPE }, undefined);
  snapshots.take().then(
    (taken) => exchange.run(() => send(exchange, taken)),
    (error: unknown) =>
      exchange.run(() => {
        throw error;
      }),
  );
}

function send(exchange: Exchange, taken: Awaited<ReturnType<Snapshots["take"]>>): void {
  if (taken.kind === "busy")
    throw new ProblemError("overloaded", "another backup of this node is under way; try again");
  if (taken.kind === "failed") throw new ProblemError("storage-failed", `no snapshot could be taken: ${taken.reason}`);
  const headers = { "Content-Type": BACKUP_TYPE, "Cache-Control": "no-store", "Content-Length": taken.bytes };
  exchange.stream(headers, taken.stream, () => {
    taken.discard().catch((error: unknown) => exchange.door.log?.error({ err: error }, "a snapshot was left behind"));
  });
}
