/** The null Dynamo keeps its side of the comparison: the messages of N = 3, R = W = 2, and no answer before them. */
import { describe, expect, test } from "vitest";
import type { Envelope, Link, Message, Network } from "@kvorum/core";
import { createPrimitives } from "@kvorum/client/internal";
import { RingCache } from "../../../client/src/ring-cache.js";
import { NullNode } from "../../../../bench/src/null-node.js";
import { NullStore } from "../../../../bench/src/null-store.js";

const primitives = await createPrimitives();
const addresses = ["h:1", "h:2", "h:3"];
const id = new TextEncoder().encode("bench/user1");
const value = new Uint8Array([1, 2, 3]);

interface Alone {
  readonly sent: (Envelope & { readonly to: string })[];
  readonly told: Message[];
  readonly receive: (message: Message, requestId?: number) => void;
}

/** One node, what it sent to the others, and what it told its client. */
function nodeAlone(): Alone {
  const sent: (Envelope & { to: string })[] = [];
  const told: Message[] = [];
  const network: Network = { send: (to, envelope) => sent.push({ to, ...envelope }) > 0, close: (done) => done() };
  const node = new NullNode(primitives, "h:1", ["h:2", "h:3"]);
  node.start(network);
  const link: Link = {
    hello: { kind: "hello", role: "client", name: "", instance: 0 },
    reply: (_, message) => void told.push(message),
  };
  return { sent, told, receive: (message, requestId = 9) => node.receive({ requestId, deadlineMs: 0, message }, link) };
}

const put: Message = {
  kind: "put",
  id,
  value,
  contentType: "",
  context: new Uint8Array(0),
  w: undefined,
  sloppy: true,
  ifAbsent: false,
  operation: undefined,
  hops: 0,
};
const get: Message = { kind: "get", id, r: undefined, sloppy: true, local: false, hops: 0 };

describe("a null node", () => {
  test("stores a put at both others and answers when the first has stored it, once", () => {
    const { sent, told, receive } = nodeAlone();
    receive(put);
    expect(sent.map(({ to, message }) => [to, message.kind])).toEqual([
      ["h:2", "store"],
      ["h:3", "store"],
    ]);
    expect(told).toEqual([]);
    const stored: Message = { kind: "stored", status: "durable" };
    for (const { requestId } of sent) receive(stored, requestId);
    expect(told.map(({ kind }) => kind)).toEqual(["put-done"]);
  });

  test("reads its own record, asks both others for digests, and answers at the first, once", () => {
    const { sent, told, receive } = nodeAlone();
    receive({ kind: "store", epoch: 1, phase: 3, id, body: value, whole: false });
    receive(get);
    expect(sent.map(({ message }) => message.kind)).toEqual(["digest", "digest"]);
    for (const { requestId } of sent) receive({ kind: "digested", status: "state", digest: 1n }, requestId);
    expect(told.map(({ kind }) => kind)).toEqual(["stored", "got"]);
    expect(told[1]).toMatchObject({ body: value, needed: 2, received: 2 });
  });

  test("all nodes give one ring, with every node an owner of everything", () => {
    const tables = addresses.map((self) => {
      const told: Message[] = [];
      const link: Link = {
        hello: { kind: "hello", role: "client", name: "", instance: 0 },
        reply: (_, message) => void told.push(message),
      };
      const others = addresses.filter((address) => address !== self);
      new NullNode(primitives, self, others).receive({ requestId: 1, deadlineMs: 0, message: { kind: "ring" } }, link);
      return told[0];
    });
    expect(new Set(tables.map((table) => JSON.stringify(table))).size).toBe(1);
    const [table] = tables;
    if (table?.kind !== "ring-table") return expect.fail("no table");
    const ring = new RingCache(table);
    expect([...ring.owners(17)].sort((a, b) => a.localeCompare(b))).toEqual(addresses);
  });
});

describe("NullStore", () => {
  test("keeps the last value of each key, copied, whatever its size", () => {
    const store = new NullStore(primitives);
    const source = new Uint8Array([5, 5, 5]);
    store.set("a", source);
    source.fill(0);
    expect(store.get("a")?.bytes).toEqual(new Uint8Array([5, 5, 5]));
    for (const size of [1, 3, 40, 2]) {
      const bytes = new Uint8Array(size).fill(size);
      store.set("a", bytes);
      store.set("b", bytes);
      expect(store.get("a")).toMatchObject({ bytes, digest: primitives.hash64(bytes) });
    }
    expect(store.get("c")).toBeUndefined();
  });
});
