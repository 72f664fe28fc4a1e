/** What the packed packages must do in an empty project, on any Node that they claim: run by check.mjs, there, with a number of nodes. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytes, ConflictError, connect, json, msgpack, resolvers, text, union } from "@kvorum/client";
import { checkResolver, openFake } from "@kvorum/client/testing";
import { connect as same, open } from "kvorum";
import { startCluster } from "kvorum/testing";

assert.equal(connect, same, "kvorum gives the client that is installed, not another");
await checkResolver(resolvers.union(), [["a"], ["b"], []]);

const fake = await openFake();
const notes = fake.bucket("notes", { codec: text(), resolve: resolvers.manual() });
await fake.injectConflict(notes, "k", ["a", "b"]);
await assert.rejects(notes.get("k"), ConflictError);
await fake.close();

const data = mkdtempSync(join(tmpdir(), "kvorum-packed-"));
const node = await open({ data });
await node.bucket("blobs", { codec: bytes() }).put("k", new Uint8Array([1]));
await node.bucket("events", { codec: msgpack() }).put("k", { at: new Date(0) });
await node.close();
rmSync(data, { recursive: true });

const cluster = await startCluster(Number(process.argv[2] ?? 3));
const kv = await cluster.connect();
const carts = kv.bucket("carts", {
  codec: json(),
  resolve: resolvers.merge((a, b) => ({ items: union(a.items, b.items) })),
});
await carts.update("alice", (cart) => ({ items: [...(cart?.items ?? []), "book"] }));
assert.deepEqual((await carts.get("alice"))?.value, { items: ["book"] });
await kv.close();
await cluster.close();

// require() of ESM is there from Node 20.19 on.
assert.equal(typeof createRequire(import.meta.url)("@kvorum/client").connect, "function");
console.log(`works on Node ${process.version}`);
