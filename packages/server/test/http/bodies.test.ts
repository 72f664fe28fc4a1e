/** Bodies that are too large or that do not end (CONTRACT §3, 413; DESIGN §9): refused early, in little memory, and so that the client hears it. */
import { once } from "node:events";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openDoor, untilClosed } from "./harness.js";
import type { Harness } from "./harness.js";

const MAX = 1000;
const HEAD = "PUT /v1/kv/b/k HTTP/1.1\r\nHost: x\r\n";
let door: Harness;

beforeAll(async () => {
  door = await openDoor({
    valueBytesMax: MAX,
    httpBodyBytesInFlightMax: 2 * MAX,
    httpLingerBytesMax: 4 * 1024 * 1024,
    httpLingerIdleMs: 100,
  });
});
afterAll(() => door.door.close());
beforeEach(() => {
  door.node.puts.length = 0;
  door.node.waiting = undefined;
});

test("a value of the limit is taken, one byte more is 413 and was not started", async () => {
  expect((await door.ask("PUT", "/v1/kv/b/k", { body: "x".repeat(MAX) })).status).toBe(204);
  const answer = await door.ask("PUT", "/v1/kv/b/k", { body: "x".repeat(MAX + 1) });
  expect(answer.status).toBe(413);
  expect(answer.json()).toMatchObject({ type: "urn:kvorum:too-large", effect: "none" });
  expect(answer.json()["detail"]).toContain("1001 bytes");
  expect(door.node.puts.length).toBe(1);
});

test("a length over the limit is refused before a byte of the body has come", async () => {
  const said = await door.raw(`${HEAD}Content-Length: 1000000000000\r\n\r\n`);
  expect(said).toMatch(/^HTTP\/1\.1 413 /);
  expect(said).toContain("Connection: close");
  expect(said).toContain('"effect":"none"');
});

test("a chunked body is cut at the limit", async () => {
  const chunk = `200\r\n${"x".repeat(0x200)}\r\n`;
  const socket = door.open();
  socket.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n${chunk}`);
  socket.write(chunk);
  const said = await untilClosed(socket);
  expect(said).toMatch(/^HTTP\/1\.1 413 /);
  expect(said).toContain("urn:kvorum:too-large");
  expect(door.node.puts.length).toBe(0);
});

test("a client that says all it has before it listens still hears the refusal", async () => {
  // More than the kernel's buffers hold: were the connection closed with it unread, the answer would be lost to a reset.
  const length = 3 * 1024 * 1024;
  const socket = door.open();
  socket.pause();
  socket.write(`${HEAD}Content-Length: ${length}\r\n\r\n`);
  await new Promise<void>((resolve, reject) =>
    socket.write(Buffer.alloc(length), (error) => (error ? reject(error) : resolve())),
  );
  const said = await untilClosed(socket.resume());
  expect(said).toMatch(/^HTTP\/1\.1 413 /);
});

test("a client that never stops talking is cut off", async () => {
  const socket = door.open();
  socket.write(`${HEAD}Content-Length: 1000000000\r\n\r\n`);
  let sent = 0;
  const closed = once(socket, "close");
  socket.on("error", () => undefined);
  socket.on("data", () => undefined);
  const talk = (): void => {
    if (socket.destroyed) return;
    sent += 64 * 1024;
    socket.write(Buffer.alloc(64 * 1024), () => setImmediate(talk));
  };
  talk();
  await closed;
  expect(sent).toBeLessThan(64 * 1024 * 1024);
});

test("a refusal of a small request keeps its connection", async () => {
  const socket = door.open();
  socket.write(`${HEAD.replace("/b/k", "/b/%FF")}Content-Length: 3\r\n\r\nabc`);
  await once(socket, "data");
  socket.write(`${HEAD}Connection: close\r\nContent-Length: 1\r\n\r\nx`);
  expect(await untilClosed(socket)).toMatch(/^HTTP\/1\.1 204 /);
});

test("a client that asks first is told to go on, or gets its refusal without having sent the body", async () => {
  const socket = door.open();
  socket.write(`${HEAD}Connection: close\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n`);
  const [first] = (await once(socket, "data")) as [Buffer];
  expect(first.toString()).toMatch(/^HTTP\/1\.1 100 /);
  socket.write("four");
  expect(await untilClosed(socket)).toMatch(/^HTTP\/1\.1 204 /);

  const large = await door.raw(`${HEAD}Expect: 100-continue\r\nContent-Length: 5000\r\n\r\n`);
  expect(large).toMatch(/^HTTP\/1\.1 413 /);
  const bad = await door.raw(`${HEAD}Expect: 100-continue\r\nKvorum-Context: !\r\nContent-Length: 5\r\n\r\n`);
  expect(bad).toMatch(/^HTTP\/1\.1 400 /);
  expect(bad).not.toContain("100 Continue");
});

test("a write whose client left before its body was whole was never started, and gives its room back", async () => {
  for (let round = 0; round < 5; round++) {
    const socket = door.open();
    socket.write(`${HEAD}Content-Length: ${MAX}\r\n\r\npart`, () => socket.destroy());
    await once(socket, "close");
  }
  await expect.poll(async () => (await door.ask("PUT", "/v1/kv/b/k", { body: "x".repeat(MAX) })).status).toBe(204);
  expect(door.node.puts.length).toBe(1);
});

test("more bytes in flight than there is room for are shed, and room comes back with the answers", async () => {
  door.node.waiting = [];
  const body = "x".repeat(MAX);
  const held = [door.ask("PUT", "/v1/kv/b/1", { body }), door.ask("PUT", "/v1/kv/b/2", { body })];
  await expect.poll(() => door.node.waiting?.length).toBe(2);
  for (const headers of [{}, { "transfer-encoding": "chunked" }]) {
    const shed = await door.ask("PUT", "/v1/kv/b/3", { body, headers });
    expect(shed.status).toBe(503);
    expect(shed.headers["retry-after"]).toBe("1");
    expect(shed.json()).toMatchObject({ type: "urn:kvorum:overloaded", effect: "none" });
  }
  for (const answer of door.node.waiting) answer();
  door.node.waiting = undefined;
  expect((await Promise.all(held)).map(({ status }) => status)).toEqual([204, 204]);
  expect((await door.ask("PUT", "/v1/kv/b/3", { body })).status).toBe(204);
});
