/** What a user writes, compiled with `tsc --strict` in an empty project against the packed packages: run by check.mjs, there. */
import { connect, json, resolvers, union, type Bucket, type Resolved, type Siblings } from "@kvorum/client";
import { checkResolver, openFake } from "@kvorum/client/testing";
import { open } from "kvorum";
import { startCluster } from "kvorum/testing";

interface Cart {
  readonly items: readonly string[];
}

const kv = await connect(["127.0.0.1:7401", "127.0.0.1:7411"]);
const carts = kv.bucket("carts", {
  codec: json<Cart>(),
  resolve: resolvers.merge((a, b) => ({ items: union(a.items, b.items) })),
});
await carts.update("alice", (cart) => ({ items: [...(cart?.items ?? []), "book"] }));
const cart = await carts.get("alice");
await carts.delete("alice", { context: cart?.context });
for await (const key of carts.keys({ prefix: "a" })) console.log(key);
await kv.close();

const typed: Bucket<Cart> = carts;
const found: Resolved<Cart> | undefined = await typed.get("alice");
const unresolved: Siblings<Cart> | undefined = await kv.bucket("carts", { codec: json<Cart>() }).get("alice");
// @ts-expect-error siblings are not one value
console.log(found?.value.items, unresolved?.value);

const node = await open({ data: "./data" });
const embedded: Bucket<number> = node.bucket("n", { codec: json<number>(), resolve: resolvers.max<number>() });
await embedded.put("k", 1);
await node[Symbol.asyncDispose]();
await using fake = await openFake();
await using cluster = await startCluster(3);
console.log(fake, cluster.seeds);
await checkResolver(resolvers.max<number>(), [1, 2]);
