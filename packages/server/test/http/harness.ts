/** An HTTP door on a free port, and a client that sends exactly what a test says: no path is tidied, no header is added. */
import { connect } from "node:net";
import type { Socket } from "node:net";
import { request } from "node:http";
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import type { Got } from "@kvorum/core";
import { Writer } from "@kvorum/core";
import { systemClock } from "../../../client/src/system-clock.js";
import { encodeState } from "../../../core/src/versions/state-codec.js";
import { EMPTY_STATE } from "../../../core/src/versions/key-state.js";
import { write } from "../../../core/src/versions/write.js";
import { EMPTY_CONTEXT } from "../../../core/src/versions/context.js";
import { merge } from "../../../core/src/versions/merge.js";
import { stampAt } from "../../../core/src/base/hlc.js";
import { testPrimitives } from "../../../core/test/primitives.js";
import { createHttpDoor } from "../../src/doors/http/door.js";
import type { HttpDoor, HttpDoorOptions } from "../../src/doors/http/door.js";
import { NodeMetrics } from "../../src/doors/http/metrics.js";
import { FakeNode, nothing } from "./fake-node.js";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  json(): Record<string, unknown>;
}

export interface Ask {
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
}

export interface Harness {
  readonly node: FakeNode;
  readonly door: HttpDoor;
  readonly port: number;
  ask(method: string, path: string, options?: Ask): Promise<Answer>;
  /** Bytes in, all bytes out until the other side closes. */
  raw(text: string | Uint8Array): Promise<string>;
  /** A bare connection. */
  open(): Socket;
}

export async function openDoor(limits: HttpDoorOptions["limits"] = {}, at = 0): Promise<Harness> {
  const node = new FakeNode();
  const metrics = new NodeMetrics(() => node.stats(), false);
  const door = createHttpDoor({ node, primitives: testPrimitives, clock: systemClock, metrics, limits });
  const { port } = await door.listen("127.0.0.1", at);
  const open = (): Socket => connect({ port, host: "127.0.0.1" });
  return {
    node,
    door,
    port,
    open,
    ask: (method, path, options = {}) => ask(port, method, path, options),
    async raw(text) {
      const socket = open();
      socket.write(text);
      return untilClosed(socket);
    },
  };
}

export async function untilClosed(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("close", () => resolve(Buffer.concat(chunks).toString("latin1")));
  });
}

function ask(port: number, method: string, path: string, { headers = {}, body }: Ask): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const isSized = body !== undefined && headers["transfer-encoding"] === undefined;
    const length = !isSized ? {} : { "content-length": Buffer.byteLength(body) };
    const sent = request({ port, host: "127.0.0.1", method, path, headers: { ...length, ...headers }, agent: false });
    sent.once("error", reject);
    sent.once("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", reject);
      response.once("end", () => {
        const whole = Buffer.concat(chunks);
        const json = (): Record<string, unknown> => JSON.parse(whole.toString()) as Record<string, unknown>;
        resolve({ status: response.statusCode as number, headers: response.headers, body: whole, json });
      });
    });
    sent.end(body);
  });
}

/** What a quorum read gives of a key with these values, written by nodes that had not heard of each other. */
export function gotOf(
  ...values: readonly { readonly value: string | Uint8Array; readonly contentType?: string }[]
): Got {
  const state = values
    .map(({ value, contentType = "text/plain" }, at) => stateOf(at, { value, contentType, deleted: false }))
    .reduce((all, one) => merge(all, one, "siblings"), EMPTY_STATE);
  return gotState(state);
}

/** What it gives of one whose value was deleted. */
export function gotTombstone(): Got {
  return gotState(stateOf(0, { value: "", contentType: "", deleted: true }));
}

function stateOf(
  at: number,
  what: { readonly value: string | Uint8Array; readonly contentType: string; readonly deleted: boolean },
): typeof EMPTY_STATE {
  return write(EMPTY_STATE, {
    mode: "siblings",
    instance: at + 1,
    lifetime: undefined,
    fresh: { boot: 1, birth: 1 },
    context: EMPTY_CONTEXT,
    stamp: stampAt(1_700_000_000_000 + at),
    origin: { node: `n${at + 1}`, fallback: false, context: false },
    ...what,
    value: Buffer.from(what.value as string),
  }).state;
}

function gotState(state: typeof EMPTY_STATE): Got {
  const writer = new Writer(testPrimitives.text);
  encodeState(writer, state);
  return { ...nothing, body: writer.take(), context: Uint8Array.of(251, 239, 190, 0) };
}
