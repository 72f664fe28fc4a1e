/** The calls of CONTRACT §3 as the commands use them: names checked before anything is sent, refusals as {@link CliError}. */
import type { Readable } from "node:stream";
import {
  bucketProblem,
  keyProblem,
  parseTtl,
  TTL_WORDS,
  type ClusterView,
  type ConflictPage,
  type Explanation,
  type KeyPage,
  type PlaceView,
  type ChangeView,
  type RemovalView,
  type RepairView,
  type RingView,
  type RiskView,
} from "@kvorum/core";
import { CliError, exitCodes, failedError, problemError, usageError, type Problem } from "./exit.js";
import { readAll } from "./io.js";
import { jsonOf, query, segment, type HttpClient, type HttpReply, type LazyBody } from "./http-client.js";

/** One value of a key, as the envelope shows it. */
export interface SiblingView {
  readonly value: string;
  readonly encoding: "utf8" | "base64";
  readonly contentType: string;
  /** `actor:n`. */
  readonly dot: string;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  /** Milliseconds since the epoch; not there for a value that stays. */
  readonly expires?: number | undefined;
  readonly clock: Readonly<Record<string, number>>;
  readonly origin: { readonly node: string; readonly fallback: boolean; readonly context: boolean };
}

export interface Envelope {
  readonly bucket: string;
  readonly key: string;
  readonly context: string | null;
  readonly siblings: readonly SiblingView[];
}

/** How many replies a request asks for, and how long it may take. Words are the server's to judge. */
export interface QuorumOptions {
  readonly r?: string;
  readonly w?: string;
  readonly strict?: boolean;
  readonly timeoutMs?: number;
}

export interface WriteOptions extends QuorumOptions {
  readonly context?: string | undefined;
  readonly contentType?: string | undefined;
  readonly ifAbsent?: boolean | undefined;
  /** Seconds, or `none`. */
  readonly ttl?: string | undefined;
  readonly idempotencyKey?: string;
  /** From 1; above 1 a retry of the same idempotency key. */
  readonly attempt?: number;
  /** Offer the body before it is sent. */
  readonly offer?: boolean;
}

export const envelopeType = "application/vnd.kvorum+json";
export const contextHeader = "kvorum-context";

export class KvorumApi {
  constructor(readonly http: HttpClient) {}

  /** The plain GET: 200 with the value, 300 with the envelope; anything else throws. */
  async get(bucket: string, key: string, options: QuorumOptions & { local?: boolean } = {}): Promise<HttpReply> {
    const path = keyPath(bucket, key) + readQuery(options);
    return expect(await this.http.send({ method: "GET", path }), 200, 300);
  }

  /** The envelope whatever stands there: with an empty list where nothing does. */
  async envelope(
    bucket: string,
    key: string,
    options: QuorumOptions & { local?: boolean } = {},
  ): Promise<{ readonly envelope: Envelope; readonly reply: HttpReply }> {
    const path = keyPath(bucket, key) + readQuery(options);
    const reply = await this.http.send({ method: "GET", path, headers: { accept: envelopeType } });
    if (reply.status === 404 && !isEnvelope(reply)) throw problemError(problemOf(reply), 404);
    return { envelope: envelopeOf(expect(reply, 200, 300, 404)), reply };
  }

  /** The context that covers all that a quorum read sees now; undefined for a key that was never seen. */
  async context(bucket: string, key: string): Promise<string | undefined> {
    const reply = await this.http.send({ method: "HEAD", path: keyPath(bucket, key) });
    return expect(reply, 200, 300, 404).headers[contextHeader];
  }

  /** Returns the context of the write. */
  async put(bucket: string, key: string, body: Uint8Array | LazyBody, options: WriteOptions = {}): Promise<string> {
    const headers = { "content-type": options.contentType ?? "application/octet-stream", ...writeHeaders(options) };
    const path = keyPath(bucket, key) + writeQuery(options);
    const offer = options.offer ?? false;
    return contextOf(expect(await this.http.send({ method: "PUT", path, headers, body, offer }), 204));
  }

  async delete(bucket: string, key: string, options: WriteOptions = {}): Promise<string> {
    const path = keyPath(bucket, key) + writeQuery(options);
    const reply = await this.http.send({ method: "DELETE", path, headers: writeHeaders(options) });
    return contextOf(expect(reply, 204));
  }

  keys(bucket: string, page: { prefix?: string; limit?: number; cursor?: string | null }): Promise<KeyPage> {
    return this.#json(`/v1/kv/${bucketSegment(bucket)}${query({ ...page, cursor: page.cursor ?? undefined })}`);
  }

  conflicts(page: { bucket?: string | undefined; limit?: number; cursor?: string | null }): Promise<ConflictPage> {
    if (page.bucket !== undefined) bucketSegment(page.bucket);
    return this.#json(`/v1/conflicts${query({ ...page, cursor: page.cursor ?? undefined })}`);
  }

  cluster(): Promise<ClusterView> {
    return this.#json("/v1/cluster");
  }

  ring(): Promise<RingView> {
    return this.#json("/v1/ring");
  }

  place(bucket: string, key: string): Promise<PlaceView> {
    keyPath(bucket, key);
    return this.#json(`/v1/ring${query({ bucket, key })}`);
  }

  explain(bucket: string, key: string): Promise<Explanation> {
    return this.#json(`${keyPath(bucket, key)}/explain`);
  }

  /** What a change of the membership would move. */
  plan(
    change: "join" | "leave" | "remove",
    name: string,
    placing: { readonly zone?: string; readonly weight?: number },
  ): Promise<ChangeView> {
    const query = new URLSearchParams({ change, name });
    if (placing.zone !== undefined) query.set("zone", placing.zone);
    if (placing.weight !== undefined) query.set("weight", String(placing.weight));
    return this.#json(`/v1/cluster/plan?${query.toString()}`);
  }

  async leave(name: string): Promise<ChangeView> {
    const path = `/v1/cluster/members/${encodeURIComponent(name)}/leave`;
    return jsonOf(expect(await this.http.send({ method: "POST", path }), 202)) as unknown as ChangeView;
  }

  async remove(name: string, force: boolean): Promise<RemovalView> {
    const path = `/v1/cluster/members/${encodeURIComponent(name)}${force ? "?force=true" : ""}`;
    return jsonOf(expect(await this.http.send({ method: "DELETE", path }), 202)) as unknown as RemovalView;
  }

  risk(): Promise<RiskView> {
    return this.#json("/v1/risk");
  }

  /** Begins a repair on all members that can be reached. */
  async repair(): Promise<RepairView> {
    return jsonOf(expect(await this.http.send({ method: "POST", path: "/v1/repair" }), 202)) as unknown as RepairView;
  }

  repairStatus(): Promise<RepairView> {
    return this.#json("/v1/repair");
  }

  /** A snapshot of the node's data folder, as a stream. */
  async backup(): Promise<Readable> {
    const { status, headers, body } = await this.http.download("/v1/backup");
    if (status !== 200) expect({ status, headers, body: await readAll(body) }, 200);
    return body;
  }

  /** The document as it came: what the server says beyond the type is kept for `--json`. */
  async #json<T>(path: string): Promise<T> {
    return jsonOf(expect(await this.http.send({ method: "GET", path }), 200)) as T;
  }
}

function bucketSegment(bucket: string): string {
  const problem = bucketProblem(bucket);
  if (problem !== undefined) throw badParameter(problem);
  return segment(bucket);
}

function keyPath(bucket: string, key: string): string {
  const problem = keyProblem(key);
  if (problem !== undefined) throw badParameter(problem);
  return `/v1/kv/${bucketSegment(bucket)}/${segment(key)}`;
}

/** What the server would answer with 400, found before anything is sent. */
function badParameter(detail: string): CliError {
  const problem = { type: "urn:kvorum:bad-parameter", title: "Bad parameter", status: 400, detail };
  return new CliError(exitCodes.usage, problem);
}

function readQuery({ r, strict, timeoutMs, local }: QuorumOptions & { local?: boolean }): string {
  return query({ r, sloppy: strict === true ? false : undefined, timeout: timeoutMs, local: local || undefined });
}

function writeQuery({ w, strict, timeoutMs }: QuorumOptions): string {
  return query({ w, sloppy: strict === true ? false : undefined, timeout: timeoutMs });
}

function writeHeaders({ context, ifAbsent, ttl, idempotencyKey, attempt }: WriteOptions): Record<string, string> {
  const headers: Record<string, string> = {};
  if (context !== undefined) headers[contextHeader] = headerSafe(context);
  if (ttl !== undefined) headers["kvorum-ttl"] = checkedTtl(ttl);
  if (ifAbsent === true) headers["if-none-match"] = "*";
  if (idempotencyKey !== undefined) headers["idempotency-key"] = idempotencyKey;
  if (attempt !== undefined) headers["kvorum-attempt"] = String(attempt);
  return headers;
}

function checkedTtl(ttl: string): string {
  if (parseTtl(ttl) !== undefined) return ttl;
  throw usageError(`--ttl takes ${TTL_WORDS}, or none, not ${JSON.stringify(ttl)}`);
}

function headerSafe(context: string): string {
  if (/^[\x21-\x7e]+$/.test(context)) return context;
  throw usageError("the context is not one that Kvorum gave: contexts are of A-Z a-z 0-9 - _");
}

function contextOf(reply: HttpReply): string {
  const context = reply.headers[contextHeader];
  if (context === undefined) throw failedError("not-kvorum", "Not a Kvorum node", "the answer carries no context");
  return context;
}

function isEnvelope(reply: HttpReply): boolean {
  return reply.headers["content-type"]?.startsWith(envelopeType) ?? false;
}

export function envelopeOf(reply: HttpReply): Envelope {
  const found = jsonOf(reply);
  if (Array.isArray(found["siblings"])) return found as unknown as Envelope;
  throw failedError("not-kvorum", "Not a Kvorum node", "the answer is no envelope of siblings");
}

/** The reply, if it has one of these statuses. @throws CliError with the problem that it tells otherwise. */
function expect(reply: HttpReply, ...statuses: readonly number[]): HttpReply {
  if (statuses.includes(reply.status)) return reply;
  const seconds = Number(reply.headers["retry-after"]);
  throw problemError(problemOf(reply), reply.status, Number.isFinite(seconds) ? seconds * 1000 : undefined);
}

function problemOf(reply: HttpReply): Problem {
  if (reply.headers["content-type"]?.includes("json") === true && reply.body.length > 0) {
    const { type, title, detail, ...more } = jsonOf(reply);
    if (typeof type === "string") {
      const text = (value: unknown, otherwise: string): string => (typeof value === "string" ? value : otherwise);
      return { type, title: text(title, type), detail: text(detail, ""), ...more };
    }
  }
  const said = reply.body.toString("utf8", 0, 200);
  const detail = `HTTP ${reply.status}${said === "" ? "" : `: ${said}`}`;
  return { type: "about:blank", title: `HTTP ${reply.status}`, status: reply.status, detail };
}
