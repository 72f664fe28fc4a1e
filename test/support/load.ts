/** Clients that write and read while nodes are killed: half of what they write goes to keys that are written once and never again (CHECKERS.md). */
import { History, type Findings, type Outcome } from "./history.js";
import {
  bytesOf,
  contextOf,
  ENVELOPE,
  jsonOf,
  kv,
  type Envelope,
  type Http,
  type Problem,
  type Reply,
} from "./http.js";
import { tagOf, valueOf } from "./values.js";

export interface LoadOptions {
  readonly bucket: string;
  /** The nodes that clients talk to. */
  readonly nodes: readonly Http[];
  readonly clients: number;
  /** Keys that are written again and again. */
  readonly hotKeys?: number;
}

const HOT_KEYS = 20;
/** A client whose node is away looks for it again after so long. */
const PAUSE_MS = 20;

export class Load {
  readonly history = new History();
  /** Answers of nodes to whole requests that were not what was asked for; connections that broke are not among them. */
  readonly refusals: string[] = [];
  #stopping = false;
  #running: Promise<unknown> = Promise.resolve();
  #count = 0;

  constructor(readonly options: LoadOptions) {}

  start(): void {
    this.#stopping = false;
    this.#running = Promise.all(Array.from({ length: this.options.clients }, (_, client) => this.#client(client)));
  }

  /** Resolves when the last request has its answer, or its connection is gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  async #client(client: number): Promise<void> {
    const { nodes, hotKeys = HOT_KEYS } = this.options;
    for (let turn = client; !this.#stopping; turn++) {
      const number = ++this.#count;
      const node = nodes[turn % nodes.length] as Http;
      try {
        if (number % 2 === 0) await this.#write(node, `once-${number}`, number, []);
        else await this.#rewrite(node, `hot-${(number >> 1) % hotKeys}`, number);
      } catch (error) {
        if (error instanceof Corrupt) throw error;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
  }

  /** Read, then write what follows it; now and then a delete, and a write that has read nothing. */
  async #rewrite(node: Http, key: string, number: number): Promise<void> {
    if (number % 9 === 0) return await this.#write(node, key, number, []);
    const reply = await node.get(kv(this.options.bucket, key), { accept: ENVELOPE });
    if (reply.status !== 200 && reply.status !== 404) return void this.refusals.push(shown(reply));
    const { siblings, context } = jsonOf<Envelope>(reply);
    const read = siblings.map((sibling) => checkedTag(bytesOf(sibling)));
    if (number % 23 !== 0) return await this.#write(node, key, number, read, context ?? undefined);
    if (context === null) return;
    const operation = this.history.begin(key, "delete", `delete-${number}`, read);
    const answer = await node.delete(kv(this.options.bucket, key), { "kvorum-context": context });
    this.history.end(operation, this.#outcomeOf(answer));
  }

  async #write(node: Http, key: string, number: number, read: readonly string[], context?: string): Promise<void> {
    const operation = this.history.begin(key, "put", `put-${number}`, read);
    const value = valueOf(operation.tag, 50 + ((number * 37) % 2000));
    const headers = context === undefined ? {} : { "kvorum-context": context };
    const answer = await node.put(kv(this.options.bucket, key), value, headers);
    if (answer.status === 204) contextOf(answer);
    this.history.end(operation, this.#outcomeOf(answer));
  }

  #outcomeOf(reply: Reply): Outcome {
    if (reply.status === 204) return "done";
    this.refusals.push(shown(reply));
    return jsonOf<Problem>(reply).effect === "none" ? "not done" : "unknown";
  }
}

class Corrupt extends Error {}

function checkedTag(value: Uint8Array): string {
  try {
    return tagOf(value);
  } catch (error) {
    throw new Corrupt("C6 corruption", { cause: error });
  }
}

function shown(reply: Reply): string {
  return `${reply.status} ${reply.body.toString("utf8", 0, 300)}`;
}

/** What the nodes hold of a key, each read by itself and all read as one. @throws Error for a value that fails its own hash (C6) */
export async function findings(bucket: string, key: string, nodes: readonly Http[]): Promise<Findings> {
  const tags = async (node: Http, query: string): Promise<string[]> => {
    const { siblings } = await node.envelope(`${kv(bucket, key)}?${query}`);
    return siblings.map((sibling) => checkedTag(bytesOf(sibling)));
  };
  const held = await Promise.all(nodes.map((node) => tags(node, "local=true")));
  return { held: new Set(held.flat()), shown: new Set(await tags(nodes[0] as Http, "r=all")) };
}
