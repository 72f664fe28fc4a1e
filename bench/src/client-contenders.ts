/**
 * Who asks in the client's bench: the bare frame client, the client in bytes, a typed bucket. All send the same messages to replicas of the
 * keys: the same quorums, the same bytes, and each write under a name of its own, so that the servers' work is the same for all.
 */
import { setTimeout as pause } from "node:timers/promises";
import { connect, json, resolvers } from "@kvorum/client";
import { RawClient } from "@kvorum/client/internal";
import type { GetCommand, PutCommand } from "@kvorum/core";
import { bucketKey } from "./client-report.js";
import { FrameClient } from "./frame-client.js";

export const BUCKET = "overhead";
export const keys = Array.from({ length: 256 }, (_, i) => `key-${i}`);

export type Op = "get" | "put";

/** What all do. */
export interface Load {
  readonly seeds: readonly string[];
  readonly op: Op;
  readonly inFlight: number;
  readonly value: { readonly text: string };
}

/** Runs for a while and until what it asked is answered, and says how many answers came. */
export interface Contender {
  readonly run: (ms: number) => Promise<number>;
  readonly close: () => Promise<void>;
}

export const contenders: Readonly<Record<string, (load: Load) => Promise<Contender>>> = {
  frames: ({ seeds, op, inFlight, value }) => {
    const encoded = encodedValue(value);
    const ids = keys.map((key) => bucketKey(BUCKET, key));
    let turn = 0;
    const next = (): GetCommand | PutCommand => {
      const id = ids[turn++ % ids.length] as Uint8Array;
      return op === "get" ? readOf(id) : writeOf(id, encoded, turn);
    };
    // In a cluster of three each member is a replica of each key.
    const clients = seeds.map((seed) => new FrameClient(seed, next));
    const answered = (): number => clients.reduce((sum, client) => sum + client.answered, 0);
    return Promise.resolve({
      run: async (ms) => {
        const before = answered();
        clients.forEach((client, place) => client.start(share(inFlight, seeds.length, place)));
        await pause(ms);
        await Promise.all(clients.map((client) => client.drain()));
        return answered() - before;
      },
      close: () => Promise.resolve(clients.forEach((client) => client.close())),
    });
  },

  async bytes({ seeds, op, inFlight, value }) {
    const client = await RawClient.connect(seeds);
    const encoded = encodedValue(value);
    let writes = 0;
    const read = async (key: string): Promise<unknown> => (await client.get(BUCKET, key)).siblings;
    const write = (key: string): Promise<unknown> =>
      client.put(BUCKET, key, encoded, { operationId: nameOf("bytes", ++writes), attempt: 1 });
    return {
      run: (ms) => loop(ms, inFlight, op === "get" ? read : write),
      close: () => client.close(),
    };
  },

  async typed({ seeds, op, inFlight, value }) {
    const kv = await connect(seeds);
    const bucket = kv.bucket(BUCKET, { codec: json<typeof value>(), resolve: resolvers.lww() });
    const read = async (key: string): Promise<unknown> => (await bucket.get(key))?.value.text;
    const write = (key: string): Promise<unknown> => bucket.put(key, value);
    return {
      run: (ms) => loop(ms, inFlight, op === "get" ? read : write),
      close: () => kv.close(),
    };
  },
};

async function loop(ms: number, inFlight: number, work: (key: string) => Promise<unknown>): Promise<number> {
  const endMs = performance.now() + ms;
  let answered = 0;
  let turn = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() < endMs) {
      await work(keys[turn++ % keys.length] as string);
      answered++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return answered;
}

function readOf(id: Uint8Array): GetCommand {
  return { kind: "get", id, r: undefined, sloppy: true, local: false, hops: 0 };
}

function writeOf(id: Uint8Array, value: Uint8Array, turn: number): PutCommand {
  const what = { value, contentType: "application/json", context: NOTHING };
  const operation = { id: nameOf("frames", turn), check: 1n, maybeRetry: false };
  return { kind: "put", id, ...what, w: undefined, sloppy: true, ifAbsent: false, operation, hops: 0 };
}

const NOTHING = new Uint8Array();
const started = Date.now();

/** 16 bytes that no other write of any run has. */
function nameOf(contender: string, count: number): Uint8Array {
  const name = new Uint8Array(16);
  const view = new DataView(name.buffer);
  view.setFloat64(0, started + contender.length);
  view.setFloat64(8, count);
  return name;
}

function encodedValue(value: Load["value"]): Uint8Array {
  return new Uint8Array(Buffer.from(JSON.stringify(value)));
}

function share(total: number, parts: number, place: number): number {
  return Math.floor(total / parts) + (place < total % parts ? 1 : 0);
}
