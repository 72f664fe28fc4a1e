/**
 * HTTP as the command line needs it: kept-alive connections, paths sent as they are written (WHATWG URLs, and so `fetch`, fold `..`
 * and `%2E%2E`, and a key may be called that), and large bodies offered before they are sent.
 */
import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Readable } from "node:stream";
import { CliError, exitCodes, failedError, messageOf, usageError } from "./exit.js";
import { readAll } from "./io.js";

/** A body that is read only once it is wanted: a file. */
export interface LazyBody {
  readonly bytes: number;
  open(): Readable;
}

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** Percent-encoded, from its first slash, with the query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | LazyBody;
  /** Offer the body first and send it only if it is not refused. Lazy bodies always are. */
  readonly offer?: boolean;
}

export interface HttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

export interface Download extends Omit<HttpReply, "body"> {
  readonly body: Readable;
}

/** No answer came. Whether a write began is told by `effect`: `none` when nothing was ever connected. */
export class ConnectionError extends CliError {
  constructor(
    url: string,
    cause: NodeJS.ErrnoException,
    readonly effect: "none" | "unknown",
  ) {
    const detail = `no answer from ${url}: ${messageOf(cause) || (cause.code ?? "the connection broke")}`;
    super(exitCodes.failed, { type: "urn:kvorum:unreachable", title: "No answer", detail, effect });
  }
}

/** A server that refuses an offered body says so at once; one that does not is given this long to. */
const REFUSAL_GRACE_MS = 20;
const OFFER_UNANSWERED_MS = 1000;
const neverConnected = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ECONNTIMEOUT",
]);

export interface HttpClientOptions {
  /** Connections at once. */
  readonly connections?: number;
  /** Silence after which an answer is given up. */
  readonly silenceMs?: number;
}

export class HttpClient {
  readonly url: string;
  readonly #target: { readonly hostname: string; readonly port: string; readonly base: string };
  readonly #agent: HttpAgent | HttpsAgent;
  readonly #request: typeof httpRequest;
  readonly #silenceMs: number;

  /** @throws CliError (usage) for a URL that is none. */
  constructor(url: string, { connections = 8, silenceMs = 30_000 }: HttpClientOptions = {}) {
    const parsed = parseUrl(url);
    const secure = parsed.protocol === "https:";
    const options = { keepAlive: true, maxSockets: connections };
    this.#agent = secure ? new HttpsAgent(options) : new HttpAgent(options);
    this.#request = secure ? httpsRequest : httpRequest;
    this.#silenceMs = silenceMs;
    this.#target = {
      hostname: parsed.hostname.replace(/^\[(.*)\]$/, "$1"),
      port: parsed.port || (secure ? "443" : "80"),
      base: parsed.pathname.replace(/\/$/, ""),
    };
    this.url = `${parsed.protocol}//${parsed.host}${this.#target.base}`;
  }

  /** One exchange. A read that met a connection just closed by the server is sent once more; a write never is. @throws ConnectionError */
  async send(request: HttpRequest): Promise<HttpReply> {
    try {
      return await this.#once(request);
    } catch (error) {
      const again = error instanceof StaleConnection && (request.method === "GET" || request.method === "HEAD");
      if (!again) throw error;
      return await this.#once(request);
    }
  }

  /** A read whose answer is too large to be held: its bytes are the caller's to take, or to leave. @throws ConnectionError before they begin */
  download(path: string): Promise<Download> {
    return new Promise((resolve, reject) => {
      const outgoing = this.#open({ method: "GET", path });
      outgoing.setTimeout(this.#silenceMs, () => {
        outgoing.destroy(new Error(`silent for ${this.#silenceMs / 1000} seconds`));
      });
      outgoing.on("error", (error) => reject(this.#failure(outgoing, error)));
      outgoing.on("response", (incoming: IncomingMessage) => {
        resolve({ status: incoming.statusCode ?? 0, headers: flat(incoming), body: incoming });
      });
      outgoing.end();
    });
  }

  /** Drops the connections. What is under way fails. */
  close(): void {
    this.#agent.destroy();
  }

  #once(request: HttpRequest): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      const outgoing = this.#open(request);
      outgoing.setTimeout(this.#silenceMs, () => {
        outgoing.destroy(new Error(`silent for ${this.#silenceMs / 1000} seconds`));
      });
      outgoing.on("error", (error) => reject(this.#failure(outgoing, error)));
      outgoing.on("response", (incoming: IncomingMessage) => {
        readAll(incoming).then(
          (body) => {
            // Refused before its body was sent: the connection still expects that body, so it is of no more use.
            if (!outgoing.writableFinished) outgoing.destroy();
            resolve({ status: incoming.statusCode ?? 0, headers: flat(incoming), body });
          },
          (error: NodeJS.ErrnoException) => reject(this.#failure(outgoing, error)),
        );
      });
      sendBody(outgoing, request);
    });
  }

  #open({ method, path, headers, body, offer }: HttpRequest): ClientRequest {
    const bytes = body === undefined ? undefined : "open" in body ? body.bytes : body.byteLength;
    return this.#request({
      agent: this.#agent,
      hostname: this.#target.hostname,
      port: this.#target.port,
      path: this.#target.base + path,
      method,
      headers: {
        ...headers,
        ...(bytes === undefined ? {} : { "content-length": String(bytes) }),
        ...(isOffered(body, offer) ? { expect: "100-continue" } : {}),
      },
    });
  }

  #failure(outgoing: ClientRequest, error: NodeJS.ErrnoException): ConnectionError {
    const stale = outgoing.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE");
    const effect = neverConnected.has(error.code ?? "") ? "none" : "unknown";
    return stale ? new StaleConnection(this.url, error, effect) : new ConnectionError(this.url, error, effect);
  }
}

/** A kept-alive connection that the server had closed meanwhile. */
class StaleConnection extends ConnectionError {}

function isOffered(body: HttpRequest["body"], offer: boolean | undefined): boolean {
  return body !== undefined && ("open" in body || offer === true);
}

function sendBody(outgoing: ClientRequest, { body, offer }: HttpRequest): void {
  if (body === undefined) {
    outgoing.end();
  } else if (!isOffered(body, offer)) {
    outgoing.end(body);
  } else {
    offerBody(outgoing, body);
  }
}

/** Sends the head alone, and the body when the server has asked for it and not refused in the same breath. */
function offerBody(outgoing: ClientRequest, body: Uint8Array | LazyBody): void {
  let settled = false;
  const send = (): void => {
    if (settled) return;
    settle();
    if (!("open" in body)) return void outgoing.end(body);
    const source = body.open();
    source.on("error", (error) => outgoing.destroy(error));
    outgoing.on("close", () => source.destroy());
    source.pipe(outgoing);
  };
  // A server or proxy may not know the offer: then the body goes all the same (RFC 9110 §10.1.1).
  let timer = setTimeout(send, OFFER_UNANSWERED_MS);
  const settle = (): void => {
    settled = true;
    clearTimeout(timer);
  };
  outgoing.on("continue", () => {
    clearTimeout(timer);
    timer = setTimeout(send, REFUSAL_GRACE_MS);
  });
  outgoing.on("response", settle);
  outgoing.on("close", settle);
  outgoing.flushHeaders();
}

function flat({ headers }: IncomingMessage): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]),
  );
}

function parseUrl(text: string): URL {
  try {
    const url = new URL(text.includes("://") ? text : `http://${text}`);
    if ((url.protocol === "http:" || url.protocol === "https:") && url.search === "" && url.hash === "") return url;
  } catch {
    // Told below, with what would be right.
  }
  throw usageError(`${JSON.stringify(text)} is no URL of a node; give one such as http://127.0.0.1:7400`);
}

/** One segment of a path. `.` and `..` are keys like any others, so that their dots travel encoded. */
export function segment(name: string): string {
  return name === "." || name === ".." ? name.replaceAll(".", "%2E") : encodeURIComponent(name);
}

/** `?a=1&b=2`, or nothing when every value is undefined. */
export function query(values: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const pairs = Object.entries(values).filter(([, value]) => value !== undefined);
  if (pairs.length === 0) return "";
  return `?${pairs.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join("&")}`;
}

/** @throws CliError when the answer is no JSON object. */
export function jsonOf(reply: HttpReply): Record<string, unknown> {
  try {
    const found: unknown = JSON.parse(reply.body.toString("utf8"));
    if (typeof found === "object" && found !== null && !Array.isArray(found)) return found as Record<string, unknown>;
  } catch {
    // Told below.
  }
  const start = reply.body.toString("utf8", 0, 80);
  throw failedError("not-kvorum", "Not a Kvorum node", `the answer is no JSON object: ${JSON.stringify(start)}`);
}
