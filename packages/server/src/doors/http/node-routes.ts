/** What this process says of itself: health, metrics, the description of its API, and a page for people (CONTRACT §3). */
import type { Exchange } from "./exchange.js";
import { openApiDocument } from "./openapi.js";
import { homePage } from "./page.js";
import { ProblemError } from "./problem.js";
import type { Route } from "./routes.js";

const PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

export const nodeRoutes: readonly Route[] = [
  { method: "GET", path: "/", operation: undefined, handle: home },
  { method: "GET", path: "/health/live", operation: undefined, handle: live },
  { method: "GET", path: "/health/ready", operation: undefined, handle: ready },
  { method: "GET", path: "/metrics", operation: undefined, handle: metrics },
  { method: "GET", path: "/v1/openapi.json", operation: undefined, handle: openApi },
];

/** That it answers at all is the answer. */
function live(exchange: Exchange): void {
  exchange.json(200, { status: "live" });
}

function ready(exchange: Exchange): void {
  const { node } = exchange.door;
  if (!node.ready())
    throw new ProblemError(
      "not-ready",
      "the node is still joining, or its disk stands still; ask again, or another node",
    );
  exchange.json(200, { status: "ready" });
}

function metrics(exchange: Exchange): void {
  const { metrics } = exchange.door;
  metrics.text().then(
    (text) => exchange.run(() => exchange.send(200, { "Content-Type": metrics.contentType }, Buffer.from(text))),
    (error: unknown) =>
      exchange.run(() => {
        throw error;
      }),
  );
}

let openApiBytes: Buffer | undefined;

/** Made when it is first asked for: it is the same in every node of this version. */
function openApi(exchange: Exchange): void {
  openApiBytes ??= Buffer.from(JSON.stringify(openApiDocument()));
  exchange.send(200, { "Content-Type": "application/json" }, openApiBytes);
}

function home(exchange: Exchange): void {
  const headers = { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": PAGE_POLICY };
  exchange.send(200, headers, Buffer.from(homePage(exchange.door.node.cluster())));
}
