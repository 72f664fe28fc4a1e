/** Requests as a test means them: the target goes out as it is written, and the answer comes back as it came. */
import { Agent, request, type IncomingHttpHeaders } from "node:http";
import { connect, type Socket } from "node:net";

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly effect?: "none" | "unknown";
  readonly needed?: number;
  readonly received?: number;
}

export interface Sibling {
  readonly value: string;
  readonly encoding: "utf8" | "base64";
  readonly contentType: string;
  readonly dot: string;
  readonly timestamp: number;
  readonly clock: Readonly<Record<string, number>>;
  readonly origin: { readonly node: string; readonly fallback: boolean; readonly context: boolean };
}

export interface Envelope {
  readonly bucket: string;
  readonly key: string;
  readonly context: string | null;
  readonly siblings: readonly Sibling[];
  readonly quorum: { readonly needed: number; readonly received: number; readonly fallbacks: number };
}

export type Headers = Readonly<Record<string, string>>;

export const ENVELOPE = "application/vnd.kvorum+json";
const SILENCE_MS = 60_000;

/** One node's HTTP address. Its connections are kept, and are not shared with another node's. */
export class Http {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });

  constructor(
    readonly host: string,
    readonly port: number,
  ) {}

  get url(): string {
    return `http://${this.host}:${this.port}`;
  }

  /** `target` is sent untouched: `..` and `%2F` stay what they are. Rejects when there is no answer. */
  send(method: string, target: string, headers: Headers = {}, body?: Uint8Array | string): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const outgoing = request(
        { host: this.host, port: this.port, agent: this.#agent, method, path: target, headers, timeout: SILENCE_MS },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
          incoming.on("error", reject);
          incoming.on("end", () => {
            resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) });
          });
        },
      );
      outgoing.on("timeout", () => outgoing.destroy(new Error(`no answer to ${method} ${target} in ${SILENCE_MS} ms`)));
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }

  get(target: string, headers: Headers = {}): Promise<Reply> {
    return this.send("GET", target, headers);
  }

  put(target: string, body: Uint8Array | string, headers: Headers = {}): Promise<Reply> {
    return this.send("PUT", target, headers, body);
  }

  delete(target: string, headers: Headers = {}): Promise<Reply> {
    return this.send("DELETE", target, headers);
  }

  /** The JSON document at `target`; @throws Error for anything but 200. */
  async json<T>(target: string): Promise<T> {
    const reply = await this.get(target);
    if (reply.status !== 200) throw new Error(`GET ${target}: ${reply.status} ${reply.body.toString("utf8", 0, 500)}`);
    return jsonOf<T>(reply);
  }

  /** The envelope of a key: `target` may carry a query. */
  async envelope(target: string): Promise<Envelope> {
    const reply = await this.get(target, { accept: ENVELOPE });
    if (reply.headers["content-type"] !== ENVELOPE)
      throw new Error(`GET ${target}: ${reply.status} ${reply.body.toString()}`);
    return jsonOf<Envelope>(reply);
  }

  /** A bare connection, for what no HTTP client would send. */
  connect(): Socket {
    return connect(this.port, this.host);
  }

  close(): void {
    this.#agent.destroy();
  }
}

export function kv(bucket: string, key: string): string {
  return `/v1/kv/${encodeURIComponent(bucket)}/${encodeURIComponent(key)}`;
}

export function jsonOf<T>(reply: Reply): T {
  return JSON.parse(reply.body.toString("utf8")) as T;
}

/** The bytes of a sibling's value. */
export function bytesOf({ value, encoding }: Pick<Sibling, "value" | "encoding">): Buffer {
  return Buffer.from(value, encoding);
}

/** The context that an answer carries; @throws Error when there is none. */
export function contextOf(reply: Reply): string {
  const context = reply.headers["kvorum-context"];
  if (typeof context === "string" && context !== "") return context;
  throw new Error(`no Kvorum-Context with the ${reply.status}: ${reply.body.toString("utf8", 0, 500)}`);
}
