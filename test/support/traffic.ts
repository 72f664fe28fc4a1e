/** Clients that write and read while nodes die under them: half of the keys are written once and never again (CHECKERS.md, TRAPS 32). */
import { setTimeout as sleep } from "node:timers/promises";
import type { History, Outcome, Write } from "./operations.js";
import { bytesOf, contextOf, jsonOf, kv, type Envelope, type Problem, type Reply } from "./http.js";
import type { KvorumNode } from "./node.js";
import { tagOf, valueOf } from "./values.js";

export interface TrafficOptions {
  /** Before its keys, which no other traffic touches. */
  readonly name: string;
  /** Of every request. */
  readonly query: string;
  readonly lanesPerNode: number;
  /** Between a client's turns, so that a test which mostly waits does not take the whole machine; 0 when nothing is said. */
  readonly thinkMs?: number;
}

/** A request that was not answered as it should be. */
export interface Failure {
  readonly node: string;
  readonly what: string;
}

const BUCKET = "traffic";
/** The keys under rewriting: few enough that writers meet on one. */
const WINDOW = 24;
const VALUE_BYTES_MAX = 4096;
const PAUSE_MS = 50;

export class Traffic {
  readonly failures: Failure[] = [];
  /** Written since the last start. */
  readonly keys = new Set<string>();
  /** Called at each acknowledgement, at that very moment, with the node that it came through. */
  onAcknowledged: ((node: string) => void) | undefined;
  acknowledged = 0;
  /** Since {@link beginGaps}: the longest time in which no write was acknowledged. */
  longestGapMs = 0;
  #acknowledgedAtMs = 0;
  readonly #reads = new Map<string, number>();
  readonly #rewritten: string[] = [];
  #lanes: Promise<void>[] = [];
  #halted = true;
  #round = 0;

  constructor(
    readonly history: History,
    readonly options: TrafficOptions,
  ) {}

  start(nodes: readonly KvorumNode[]): void {
    this.#halted = false;
    this.#round++;
    this.keys.clear();
    for (const node of nodes) {
      for (let i = 1; i <= this.options.lanesPerNode; i++) {
        const lane = this.#lane(node, i);
        // Told when all is stopped, not before.
        lane.catch(() => undefined);
        this.#lanes.push(lane);
      }
    }
  }

  /** Nothing new is begun from now on. */
  halt(): void {
    this.#halted = true;
  }

  /** Ends when all that was under way has ended. @throws the first corrupt or phantom value that was read */
  async stop(): Promise<void> {
    this.halt();
    const lanes = this.#lanes;
    this.#lanes = [];
    await Promise.all(lanes);
  }

  beginGaps(): void {
    this.longestGapMs = 0;
    this.#acknowledgedAtMs = performance.now();
  }

  /** Reads that were answered through the nodes whose name is accepted. */
  readsThrough(accept: (node: string) => boolean): number {
    return [...this.#reads].reduce((sum, [node, reads]) => sum + (accept(node) ? reads : 0), 0);
  }

  /** One client: each turn writes a key for good and a key to be rewritten, and rewrites two that others rewrite too. */
  async #lane(node: KvorumNode, lane: number): Promise<void> {
    const { name, thinkMs = 0 } = this.options;
    for (let turn = 1; !this.#halted; turn++) {
      if (thinkMs > 0) await sleep(thinkMs);
      const suffix = `${name}-${this.#round}-${node.name}-${lane}-${turn}`;
      await this.#put(node, `once-${suffix}`);
      const key = `again-${suffix}`;
      await this.#put(node, key);
      this.#rewritten.push(key);
      for (const step of [1, 2]) {
        if (this.#halted) return;
        const back = (turn * 5 + lane + step) % Math.min(WINDOW, this.#rewritten.length);
        await this.#rewrite(node, this.#rewritten.at(-1 - back) as string, turn + step);
      }
    }
  }

  async #rewrite(node: KvorumNode, key: string, turn: number): Promise<void> {
    // A writer who has not looked: siblings.
    if (turn % 5 === 0) return this.#put(node, key);
    const startMs = performance.now();
    const reply = await this.#send(node, `GET of ${key}`, () => node.http.get(this.target(key)));
    if (reply === undefined) return;
    const tags = tagsOf(reply);
    if (tags === undefined) return this.#failed(node, `GET of ${key}`, reply);
    const phantoms = this.history.phantoms(key, tags);
    if (phantoms.length > 0) throw new Error(phantoms.join("; "));
    this.history.read(key, startMs, tags);
    this.#reads.set(node.name, (this.#reads.get(node.name) ?? 0) + 1);
    if (reply.headers["kvorum-context"] === undefined) return this.#put(node, key);
    const seen = { context: contextOf(reply), tags };
    if (turn % 8 === 0) await this.#delete(node, key, seen);
    else await this.#put(node, key, seen);
  }

  target(key: string): string {
    return kv(BUCKET, key) + this.options.query;
  }

  async #put(node: KvorumNode, key: string, seen?: Seen): Promise<void> {
    const write = this.history.begin("put", key, seen?.tags ?? []);
    const size = (write.tag.length * 977 + this.keys.size * 131) % VALUE_BYTES_MAX;
    const body = valueOf(write.tag, size);
    await this.#write(node, write, () => node.http.put(this.target(key), body, headersOf(seen)));
  }

  async #delete(node: KvorumNode, key: string, seen: Seen): Promise<void> {
    const write = this.history.begin("delete", key, seen.tags);
    await this.#write(node, write, () => node.http.delete(this.target(key), headersOf(seen)));
  }

  async #write(node: KvorumNode, write: Write, request: () => Promise<Reply>): Promise<void> {
    this.keys.add(write.key);
    const reply = await this.#send(node, write.tag, request, () => this.history.end(write, "not-done"));
    if (reply === undefined) return;
    this.history.end(write, outcomeOf(reply));
    if (write.outcome !== "done") return this.#failed(node, write.tag, reply);
    this.acknowledged++;
    this.longestGapMs = Math.max(this.longestGapMs, write.endMs - this.#acknowledgedAtMs);
    this.#acknowledgedAtMs = write.endMs;
    this.onAcknowledged?.(node.name);
  }

  /** The answer, or undefined when the node broke off or is not there; `refused`: it was never sent. */
  async #send(
    node: KvorumNode,
    what: string,
    request: () => Promise<Reply>,
    refused?: () => void,
  ): Promise<Reply | undefined> {
    try {
      return await request();
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === "ECONNREFUSED") refused?.();
      this.failures.push({ node: node.name, what: `${what}: ${message}` });
      // Who is refused does not ask again at once.
      await sleep(PAUSE_MS);
      return undefined;
    }
  }

  #failed(node: KvorumNode, what: string, { status, body }: Reply): void {
    this.failures.push({ node: node.name, what: `${what}: ${status} ${body.toString("utf8", 0, 300)}` });
  }
}

interface Seen {
  readonly context: string;
  readonly tags: readonly string[];
}

function headersOf(seen: Seen | undefined): Record<string, string> {
  return seen === undefined ? {} : { "kvorum-context": seen.context };
}

function outcomeOf(reply: Reply): Outcome {
  if (reply.status === 204) return "done";
  return jsonOf<Problem>(reply).effect === "none" ? "not-done" : "unknown";
}

/** The tags of what a GET shows; undefined when it shows nothing at all. @throws Error for a value that fails its own hash (C6) */
function tagsOf(reply: Reply): string[] | undefined {
  if (reply.status === 404) return [];
  if (reply.status === 200) return [tagOf(reply.body)];
  if (reply.status === 300) return jsonOf<Envelope>(reply).siblings.map((sibling) => tagOf(bytesOf(sibling)));
  return undefined;
}

/** What one node gives for a key of traffic: by a quorum, or with `?local=true` from its own store alone. */
export async function read(node: KvorumNode, key: string, query: "" | "?local=true"): Promise<string[]> {
  const reply = await node.http.get(kv(BUCKET, key) + query);
  const tags = tagsOf(reply);
  if (tags === undefined)
    throw new Error(`GET ${key}${query} of ${node.name}: ${reply.status} ${reply.body.toString()}`);
  return tags;
}
