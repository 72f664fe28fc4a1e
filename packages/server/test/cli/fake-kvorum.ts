/** A one-process stand-in for a cluster's HTTP door: real sockets, enough of CONTRACT §3 for the command line, and faults on request. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

interface Sibling {
  readonly n: number;
  readonly bytes: Buffer;
  readonly contentType: string;
  readonly timestamp: number;
  readonly blind: boolean;
}

export interface SeenRequest {
  readonly method: string;
  /** As it came over the wire. */
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
}

type Fault = (request: SeenRequest, response: ServerResponse) => boolean;

export class FakeKvorum {
  readonly #server: Server;
  readonly keys = new Map<string, Sibling[]>();
  readonly seen: SeenRequest[] = [];
  valueBytesMax = 1024 * 1024;
  pageSize = 1000;
  /** Answers in the server's place when it returns true. */
  fault: Fault = () => false;
  /** Documents of the cluster's routes, by path. */
  readonly documents = new Map<string, unknown>();
  #n = 0;
  #port = 0;

  private constructor() {
    this.#server = createServer((request, response) => void this.#handle(request, response));
    this.#server.keepAliveTimeout = 0;
  }

  static async start(): Promise<FakeKvorum> {
    const fake = new FakeKvorum();
    await new Promise<void>((resolve) => fake.#server.listen(0, "127.0.0.1", resolve));
    fake.#port = (fake.#server.address() as AddressInfo).port;
    return fake;
  }

  /** Stays the same when the server is stopped. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** A value written without a context. */
  add(bucket: string, key: string, value: string | Buffer, contentType = "text/plain", timestamp?: number): void {
    const at = `${bucket}/${key}`;
    const bytes = Buffer.from(value as string);
    const sibling = { n: ++this.#n, bytes, contentType, timestamp: timestamp ?? this.#n * 1000, blind: true };
    this.keys.set(at, [...(this.keys.get(at) ?? []), sibling]);
  }

  value(bucket: string, key: string): string | undefined {
    const siblings = this.keys.get(`${bucket}/${key}`) ?? [];
    return siblings.length === 0 ? undefined : siblings.map(({ bytes }) => bytes.toString("utf8")).join("|");
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "", headers } = request;
    const seen = { method, url, headers };
    this.seen.push(seen);
    if (this.fault(seen, response)) return;
    const [path = "", query = ""] = url.split("?", 2);
    const document = this.documents.get(path);
    if (document !== undefined) return send(response, 200, "application/json", JSON.stringify(document));
    const [, , , bucket, key] = path.split("/").map((part) => decodeURIComponent(part));
    if (bucket === undefined) return problem(response, 404, "not-found", `no route ${path}`);
    if (key === undefined) return this.#list(response, bucket, new URLSearchParams(query));
    if (method === "PUT" && Number(headers["content-length"]) > this.valueBytesMax) {
      response.setHeader("connection", "close");
      return problem(response, 413, "too-large", "too large", { effect: "none" });
    }
    const body: Buffer[] = [];
    for await (const chunk of request) body.push(chunk as Buffer);
    this.#key(seen, response, bucket, key, Buffer.concat(body));
  }

  #key({ method, headers }: SeenRequest, response: ServerResponse, bucket: string, key: string, body: Buffer): void {
    const at = `${bucket}/${key}`;
    const siblings = this.keys.get(at) ?? [];
    const covered = Number(String(headers["kvorum-context"] ?? "ctx0").replace("ctx", ""));
    if (Number.isNaN(covered)) return problem(response, 400, "bad-context", "not a context", { effect: "none" });
    if (method === "PUT" || method === "DELETE") {
      const blind = headers["kvorum-context"] === undefined;
      const removed = method === "DELETE" && blind ? [] : siblings.filter(({ n }) => n > covered);
      const contentType = headers["content-type"] ?? "application/octet-stream";
      const n = ++this.#n;
      const added = method === "PUT" ? [{ n, bytes: body, contentType, timestamp: n * 1000, blind }] : [];
      this.keys.set(at, [...removed, ...added]);
      response.setHeader("kvorum-context", `ctx${n}`);
      return send(response, 204, undefined, "");
    }
    if (siblings.length > 0) {
      response.setHeader("kvorum-context", `ctx${siblings.at(-1)?.n ?? 0}`);
      response.setHeader("kvorum-siblings", siblings.length);
    }
    const wantsEnvelope = headers.accept === "application/vnd.kvorum+json";
    if (siblings.length === 0 && !wantsEnvelope) return problem(response, 404, "not-found", "nothing there");
    const [only] = siblings;
    if (siblings.length === 1 && only !== undefined && !wantsEnvelope) {
      return send(response, 200, only.contentType, only.bytes);
    }
    const envelope = {
      bucket,
      key,
      context: siblings.length > 0 ? `ctx${siblings.at(-1)?.n}` : null,
      siblings: siblings.map(show),
    };
    const status = siblings.length === 0 ? 404 : siblings.length > 1 && !wantsEnvelope ? 300 : 200;
    send(response, status, "application/vnd.kvorum+json", JSON.stringify(envelope));
  }

  #list(response: ServerResponse, bucket: string, query: URLSearchParams): void {
    const prefix = query.get("prefix") ?? "";
    const all = [...this.keys].filter(([at, siblings]) => siblings.length > 0 && at.startsWith(`${bucket}/${prefix}`));
    const keys = all.map(([at]) => at.slice(bucket.length + 1));
    const from = Number(query.get("cursor") ?? 0);
    const size = Math.min(this.pageSize, Number(query.get("limit") ?? this.pageSize));
    const cursor = from + size < keys.length ? String(from + size) : null;
    send(response, 200, "application/json", JSON.stringify({ keys: keys.slice(from, from + size), cursor }));
  }
}

function show({ n, bytes, contentType, timestamp, blind }: Sibling): unknown {
  const text = bytes.toString("utf8");
  const isText = Buffer.from(text, "utf8").equals(bytes);
  return {
    value: isText ? text : bytes.toString("base64"),
    encoding: isText ? "utf8" : "base64",
    contentType,
    dot: `a${n}:1`,
    timestamp,
    clock: { [`a${n}`]: 1 },
    origin: { node: "n1", fallback: false, context: !blind },
  };
}

export function problem(
  response: ServerResponse,
  status: number,
  name: string,
  detail: string,
  more: object = {},
): void {
  const document = { type: `urn:kvorum:${name}`, title: name, status, detail, ...more };
  send(response, status, "application/problem+json", JSON.stringify(document));
}

function send(response: ServerResponse, status: number, type: string | undefined, body: string | Buffer): void {
  if (type !== undefined) response.setHeader("content-type", type);
  response.statusCode = status;
  response.end(body);
}
