/** A node inside the program: alone, as a member, and what it refuses (CONTRACT §5). */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ConfigError, connect, DataFolderError, json, open, resolvers, union, type OpenOptions } from "kvorum";

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "kvorum-open-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

/** What the process holds open that others can dial. */
const listeners = (): number => process.getActiveResourcesInfo().filter((name) => name.startsWith("TCPServer")).length;

const numbers = { codec: json<number>(), resolve: resolvers.max<number>() };

test("alone: the same buckets, no port open, and the data is there the next time", async () => {
  const data = await folder();
  const before = listeners();
  const first = await open({ data });
  expect(listeners()).toBe(before);
  expect([first.address, first.http]).toEqual([undefined, undefined]);
  const carts = first.bucket("carts", {
    codec: json<{ items: string[] }>(),
    resolve: resolvers.merge((a, b) => ({ items: union(a.items, b.items) })),
  });
  await carts.put("alice", { items: ["a"] });
  await carts.put("alice", { items: ["b"] });
  await carts.update("alice", (cart) => ({ items: [...(cart?.items ?? []), "c"] }));
  expect(await carts.get("alice")).toMatchObject({ value: { items: ["a", "b", "c"] }, siblings: 1 });
  const session = first.session().bucket("numbers", numbers);
  await session.put("n", 1);
  expect((await session.get("n"))?.value).toBe(1);
  await first.close();
  expect(await rejection(carts.get("alice"))).toMatchObject({ code: "closed" });

  const second = await open({ data });
  onTestFinished(() => second.close());
  expect((await second.bucket("numbers", numbers).get("n"))?.value).toBe(1);
});

test("a folder is one process's at a time, and one member's for ever", async () => {
  const data = await folder();
  const node = await open({ data, name: "n7" });
  expect(await rejection(open({ data, name: "n7" }))).toBeInstanceOf(DataFolderError);
  await node.close();
  expect(await rejection(open({ data, name: "n8" }))).toMatchObject({ message: expect.stringContaining("n7") });
  const again = await open({ data, name: "n7" });
  await again.close();
  // Closed twice is closed.
  await again.close();
});

test("two members in one process: each sees what the other wrote, and a client over TCP both", async () => {
  const listen = "127.0.0.1:0";
  const quick = { gossipInterval: "50ms", partitions: 64 };
  const first = await open({ data: await folder(), name: "n1", listen, ...quick });
  onTestFinished(() => first.close());
  const seeds = [first.address as string];
  const second = await open({ data: await folder(), name: "n2", listen, http: listen, seeds, ...quick });
  onTestFinished(() => second.close());
  expect(second.address).toMatch(/^127\.0\.0\.1:\d+$/);
  await first.bucket("numbers", numbers).put("n", 5);
  expect((await second.bucket("numbers", numbers).get("n"))?.value).toBe(5);
  expect((await fetch(`http://${second.http}/health/live`)).status).toBe(200);
  const kv = await connect(seeds);
  onTestFinished(() => kv.close());
  expect((await kv.bucket("numbers", numbers).get("n"))?.value).toBe(5);
});

test("a signal ends the wait, and its reason is the error", async () => {
  const node = await open({ data: await folder() });
  onTestFinished(() => node.close());
  const bucket = node.bucket("numbers", numbers);
  const reason = new Error("enough");
  expect(await rejection(bucket.put("n", 1, { signal: AbortSignal.abort(reason) }))).toBe(reason);
  const stop = new AbortController();
  const writing = bucket.put("n", 2, { signal: stop.signal });
  stop.abort(reason);
  expect(await rejection(writing)).toBe(reason);
  expect(await rejection(bucket.get("n", { timeout: 0 }))).toMatchObject({ code: "bad-parameter" });
});

test.each<[Partial<OpenOptions>, string]>([
  [{ name: "a b" }, "name"],
  [{ listen: "nowhere" }, "listen"],
  [{ seeds: ["127.0.0.1:7401"] }, "listen"],
  [{ listen: "0.0.0.0:0" }, "advertise"],
  [{ engine: "paper" as "log" }, "engine"],
  [{ partitions: 100 }, "partitions"],
  [{ gossipInterval: "soon", listen: "127.0.0.1:0" }, "gossipInterval"],
])("%j is refused with a line that names the option", async (options, named) => {
  const error = await rejection(open({ data: await folder(), ...options }));
  expect(error).toBeInstanceOf(ConfigError);
  expect(String(error)).toContain(named);
});
