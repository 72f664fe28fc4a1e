/** The HTTP door of a node: fastify finds the route, an {@link Exchange} answers it, and everything else becomes a problem (CONTRACT §3). */
import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { limits as defaultLimits } from "@kvorum/core";
import type { Clock, NodeApi, Primitives } from "@kvorum/core";
import { fastify } from "fastify";
import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import { backupRoutes } from "./backup-routes.js";
import { bucketRoutes } from "./bucket-routes.js";
import { answerBrokenRequest } from "./broken-request.js";
import { clusterRoutes } from "./cluster-routes.js";
import { Exchange } from "./exchange.js";
import type { DoorContext, DoorLimits } from "./exchange.js";
import { kvRoutes } from "./kv-routes.js";
import { listRoutes } from "./list-routes.js";
import type { NodeMetrics } from "./metrics.js";
import { nodeRoutes } from "./node-routes.js";
import { ProblemError } from "./problem.js";
import { methodsAt } from "./routes.js";
import type { Route } from "./routes.js";
import { parseTarget } from "./target.js";
import { Traffic } from "./traffic.js";
import { Turns } from "./turns.js";
import type { Snapshots } from "./snapshots.js";

export interface HttpDoorOptions {
  readonly node: NodeApi;
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly metrics: NodeMetrics;
  /** Where this node's limits are not the usual ones. */
  readonly limits?: Partial<DoorLimits>;
  readonly log?: Logger;
  readonly snapshots?: Snapshots | undefined;
}

export interface HttpDoor {
  /** Port 0 takes a free one. @throws what the system says when the address cannot be had */
  listen(host: string, port: number): Promise<AddressInfo>;
  /** Refuses new requests, lets those in flight end, and closes every connection. */
  close(): Promise<void>;
}

/** Every resource of the door. */
export const routes: readonly Route[] = [
  ...kvRoutes,
  ...listRoutes,
  ...bucketRoutes,
  ...clusterRoutes,
  ...backupRoutes,
  ...nodeRoutes,
];

/** What Node's parser lets through, minus CONNECT, which is no request for a resource. */
const METHODS = ["GET", "HEAD", "PUT", "DELETE", "POST", "PATCH", "OPTIONS", "TRACE"] as const;

export function createHttpDoor(options: HttpDoorOptions): HttpDoor {
  const limits = { ...defaultLimits, ...options.limits };
  const traffic = new Traffic(limits.httpBodyBytesInFlightMax);
  const { node, primitives, clock, metrics, log, snapshots } = options;
  const turns = new Turns(limits.httpPipelinedMax);
  const door: DoorContext = { node, primitives, clock, metrics, limits, traffic, turns, log, snapshots };
  const app = createApp(door);
  traffic.watch(app.server);
  return {
    async listen(host, port) {
      await app.ready();
      // Not app.listen: for "localhost" that opens servers of its own for each address, which nobody here would watch.
      app.server.listen({ host, port });
      await once(app.server, "listening");
      return app.server.address() as AddressInfo;
    },
    async close() {
      await traffic.drain(clock, limits.httpStopGraceMs);
      const closed = app.close();
      // What has not ended by now is cut: a client may hold its request open for ever.
      app.server.closeAllConnections();
      await closed;
    },
  };
}

function createApp(door: DoorContext): FastifyInstance {
  const { limits } = door;
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    return503OnClosing: false,
    requestTimeout: limits.httpReceiveTimeoutMs,
    keepAliveTimeout: limits.httpIdleTimeoutMs,
    http: { maxHeaderSize: limits.httpHeaderBytesMax, headersTimeout: limits.httpReceiveTimeoutMs },
    // Names are read from the target as it was sent, and refused by their own rules: see target.ts.
    routerOptions: { maxParamLength: limits.httpHeaderBytesMax, querystringParser: () => ({}) },
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (_error, request, reply) => {
      reply.hijack();
      refuseTarget(door, request.raw, reply.raw);
    },
  });
  // Bodies are read by body.ts: fastify would choose by content type, and here every type is a value.
  for (const method of METHODS) app.addHttpMethod(method, { hasBody: false, overrideExisting: true });
  for (const route of routes) serve(app, door, route);
  app.setNotFoundHandler((request, reply) => {
    reply.hijack();
    refuseRoute(door, request.raw, reply.raw);
  });
  app.server.maxConnections = limits.httpConnectionsMax;
  greetExpectations(app.server);
  return app;
}

function serve(app: FastifyInstance, door: DoorContext, route: Route): void {
  app.route({
    method: route.method === "GET" ? ["GET", "HEAD"] : route.method,
    url: route.path,
    handler(request, reply) {
      reply.hijack();
      Exchange.begin(door, route.operation, request.raw, reply.raw, (exchange) => {
        if (door.traffic.stopping) throw new ProblemError("stopping", "this node is stopping; ask another one");
        route.handle(exchange, parseTarget(request.raw.url as string));
      });
    },
  });
}

/** The router could not read the target. Reading it again names what is wrong with it. */
function refuseTarget(door: DoorContext, request: IncomingMessage, response: ServerResponse): void {
  Exchange.begin(door, "other", request, response, () => {
    throw new ProblemError(
      "bad-parameter",
      "the request's target is not UTF-8, percent-encoded; a percent sign is sent as %25",
    );
  });
}

function refuseRoute(door: DoorContext, request: IncomingMessage, response: ServerResponse): void {
  Exchange.begin(door, "other", request, response, (exchange) => {
    const { path } = parseTarget(request.url as string);
    const allowed = methodsAt(routes, path);
    if (allowed.length === 0) {
      const detail =
        "there is no such path; /v1/openapi.json lists those there are, and a / inside a key is sent as %2F";
      throw new ProblemError("no-such-route", detail);
    }
    const detail = `${request.method} is not for this path; it takes ${allowed.join(", ")}`;
    exchange.fail({ code: "method-not-allowed", detail, effect: "none" }, { Allow: allowed.join(", ") });
  });
}

/** With these listeners Node leaves it to us whether a client may send its body: body.ts says so after the checks. */
function greetExpectations(server: Server): void {
  const asRequest = (request: IncomingMessage, response: ServerResponse): void => {
    server.emit("request", request, response);
  };
  server.on("checkContinue", asRequest);
  server.on("checkExpectation", asRequest);
}
