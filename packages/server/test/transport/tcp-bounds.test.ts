/** What a stranger can do to the peer door, and what it does about those who do not greet, read, answer or listen. */
import { connect, createServer, type Server, type Socket } from "node:net";
import { nodeText } from "@kvorum/client/internal";
import { encodeFrame, FrameParser, limits, Writer, type Frame, type Message } from "@kvorum/core";
import { afterEach, expect, test } from "vitest";
import type { TransportLimits } from "../../src/transport/tcp-options.js";
import { ask, CLUSTER } from "./contract.js";
import { ManualClock } from "./manual-clock.js";
import { TcpWorld, type TcpEndpoint } from "./tcp-world.js";

const clock = new ManualClock();
let world: TcpWorld;
const strangers: Socket[] = [];
const servers: Server[] = [];

afterEach(async () => {
  for (const stranger of strangers.splice(0)) stranger.destroy();
  for (const server of servers.splice(0)) server.close();
  await world.close();
});

async function open(bounds: Partial<TransportLimits> = {}): Promise<TcpEndpoint> {
  world = new TcpWorld(bounds, { clock });
  return world.endpoint("a");
}

/** A connection that says what it is told, and keeps what it hears. */
class Stranger {
  readonly heard: Message[] = [];
  isClosed = false;

  constructor(readonly socket: Socket) {
    const parser = new FrameParser(nodeText, 1e9);
    strangers.push(socket);
    socket.on("data", (chunk: Buffer) => parser.push(chunk, (frame: Frame) => this.heard.push(frame.envelope.message)));
    socket.on("error", () => {});
    socket.on("close", () => (this.isClosed = true));
  }

  say(message: Message, requestId = 0, deadlineMs = 0): void {
    const writer = new Writer(nodeText);
    encodeFrame(writer, CLUSTER, { requestId, deadlineMs, message });
    this.socket.write(writer.take());
  }

  greet(role: "member" | "client" = "client"): void {
    this.say({ kind: "hello", role, name: "stranger", instance: 0 });
  }
}

const callOn = (endpoint: TcpEndpoint): Stranger => new Stranger(connect(endpoint.port, "127.0.0.1"));

/** A door of our own, for the network under test to dial. */
async function door(onConnection: (stranger: Stranger) => void): Promise<string> {
  const server = createServer((socket) => onConnection(new Stranger(socket)));
  servers.push(server);
  await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
  const bound = server.address();
  return `127.0.0.1:${typeof bound === "object" ? bound?.port : 0}`;
}

test("bytes that are no frames close their connection, are counted, and touch no other", async () => {
  const a = await open();
  const good = callOn(a);
  good.greet();
  await world.until(() => good.heard.length === 1);
  const bad = callOn(a);
  bad.socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await world.until(() => bad.isClosed);
  expect(a.network.stats.malformed).toBe(1);
  good.say({ kind: "ring" });
  await world.until(() => a.received.length === 1);
});

test("a message before the greeting closes the connection undelivered", async () => {
  const a = await open();
  const stranger = callOn(a);
  stranger.say({ kind: "ring" });
  await world.until(() => stranger.isClosed);
  expect(a.received).toEqual([]);
  expect(a.network.stats.malformed).toBe(1);
});

test("who does not greet in time is cut; who greeted stays", async () => {
  const a = await open();
  const silent = callOn(a);
  const slow = callOn(a);
  slow.socket.write(Uint8Array.of(0x4b));
  const greeted = callOn(a);
  greeted.greet();
  await world.until(() => greeted.heard.length === 1 && a.network.stats.inbound === 3);
  clock.advance(limits.helloTimeoutMs - 500);
  await world.settle();
  expect(silent.isClosed).toBe(false);
  clock.advance(1_000);
  await world.until(() => silent.isClosed && slow.isClosed);
  expect(greeted.isClosed).toBe(false);
});

test("a greeting larger than a greeting can be is refused with its header", async () => {
  const a = await open();
  const stranger = callOn(a);
  stranger.say({ kind: "hello", role: "client", name: "x".repeat(limits.helloBytesMax), instance: 0 });
  await world.until(() => stranger.isClosed);
  expect(a.network.stats.malformed).toBe(1);
});

test("a client's frames are bounded more tightly than a member's", async () => {
  const a = await open({ clientFrameBytesMax: 10_000 });
  const large: Message = { kind: "gossip", payload: new Uint8Array(20_000) };
  const member = callOn(a);
  member.greet("member");
  member.say(large);
  await world.until(() => a.received.length === 1);
  const client = callOn(a);
  client.greet();
  client.say(large);
  await world.until(() => client.isClosed);
  expect(a.received.length).toBe(1);
});

test("one connection more than the bound is told why and closed, and takes no place for long", async () => {
  const a = await open({ peerConnectionsMax: 2 });
  const taken = [callOn(a), callOn(a)];
  for (const stranger of taken) stranger.greet();
  await world.until(() => taken.every((stranger) => stranger.heard.length === 1));
  const third = callOn(a);
  await world.until(() => third.isClosed);
  expect(third.heard).toEqual([{ kind: "refused", reason: "too many connections: try another node" }]);
  await world.until(() => a.network.stats.inbound === 2);
  taken[0]?.socket.destroy();
  await world.until(() => a.network.stats.inbound === 1);
  const fourth = callOn(a);
  fourth.greet();
  await world.until(() => fourth.heard[0]?.kind === "hello");
});

test("a client that does not read is not read on, and is cut when it takes nothing for too long", async () => {
  const a = await open({ replyQueueBytesPause: 1_000_000 });
  a.onReceive = (envelope, link) =>
    link.reply(envelope.requestId, { kind: "fetched", status: "state", body: new Uint8Array(100_000) });
  const client = callOn(a);
  client.greet();
  await world.until(() => client.heard.length === 1);
  client.socket.pause();
  for (let i = 0; i < 20_000; i++)
    client.say({ kind: "fetch", id: new Uint8Array(100), epoch: 1, phase: 3 }, i + 1, 1_000);
  let before = -1;
  await world.until(() => {
    const stands = a.received.length === before && before > 0;
    before = a.received.length;
    return stands;
  });
  await world.settle();
  expect(a.received.length).toBeLessThan(2_000);
  for (let i = 0; i < 3; i++) {
    clock.advance(limits.stallTimeoutMs);
    await world.settle();
  }
  await world.until(() => a.network.stats.inbound === 0);
});

test("replies beyond the bounded queue cut who does not read them", async () => {
  const a = await open({ replyQueueBytesMax: 1_000_000 });
  a.onReceive = (envelope, link) => {
    for (let i = 0; i < 100; i++) {
      link.reply(envelope.requestId, { kind: "fetched", status: "state", body: new Uint8Array(100_000) });
    }
  };
  const client = callOn(a);
  client.greet();
  client.say({ kind: "fetch", id: new Uint8Array(1), epoch: 1, phase: 3 }, 1, 1_000);
  await world.until(() => a.network.stats.framesRefused > 0);
  await world.until(() => a.network.stats.inbound === 0 && client.isClosed);
});

test("a peer that takes requests and answers nothing is dialled anew once one ran out of time", async () => {
  const a = await open();
  const calls: Stranger[] = [];
  const to = await door((stranger) => {
    calls.push(stranger);
    stranger.say({ kind: "hello", role: "member", name: "b", instance: 1 });
  });
  a.network.send(to, ask(1));
  await world.until(() => calls[0]?.heard.length === 2);
  clock.advance(500);
  a.network.send(to, ask(2));
  clock.advance(ask(2).deadlineMs);
  expect(a.losses).toEqual([]);
  clock.advance(500);
  expect(a.losses).toEqual([{ to, sent: true }]);
  expect(a.network.send(to, ask(3))).toBe(true);
  await world.until(() => calls[1]?.heard.length === 2);
});

test("after a failed dial frames are not taken for a pause that doubles up to a second, and is over with a greeting", async () => {
  const a = await open({ redialMinMs: 25, redialMaxMs: 1_000 });
  const gone = await world.endpoint("gone");
  await world.kill(gone);
  const pauses: number[] = [];
  for (let round = 0; round < 8; round++) {
    const losses = a.losses.length;
    expect(a.network.send(gone.address, ask(1))).toBe(true);
    await world.until(() => a.losses.length === losses + 1);
    let pause = 0;
    for (; !a.network.send(gone.address, ask(1)); pause += 5) clock.advance(5);
    await world.until(() => a.losses.length === losses + 2);
    clock.advance(2_000);
    pauses.push(pause);
  }
  // Each round fails twice, so each pause is four times the one before.
  expect(pauses).toEqual([25, 100, 400, 1_000, 1_000, 1_000, 1_000, 1_000]);
  const back = await world.revive(gone);
  expect(a.network.send(gone.address, ask(2))).toBe(true);
  await world.until(() => back.received.length === 1);
  await world.kill(back);
  await world.until(() => a.losses.at(-1)?.sent === true);
  expect(a.network.send(gone.address, ask(3))).toBe(true);
});

test("a member that greets ends the pause: after a restart nobody waits for a dial that would succeed", async () => {
  const a = await open({ redialMinMs: 60_000, redialMaxMs: 60_000 });
  const gone = await world.endpoint("gone");
  await world.kill(gone);
  expect(a.network.send(gone.address, ask(1))).toBe(true);
  await world.until(() => a.losses.length === 1);
  const back = await world.revive(gone);
  callOn(a).greet("client");
  await world.settle();
  expect(a.network.send(gone.address, ask(1))).toBe(false);
  back.network.send(a.address, ask(2));
  await world.until(() => a.received.length === 1);
  expect(a.network.send(gone.address, ask(3))).toBe(true);
  await world.until(() => back.received.length === 1);
});

test("an address that is none is not taken", async () => {
  const a = await open();
  for (const to of ["", "nowhere", "host:", "host:0", "host:65536", "::1:7400", "[::1]", "host:7400 "]) {
    expect(a.network.send(to, ask(1))).toBe(false);
  }
});

test("close leaves no connection behind, even to those who do not let go", async () => {
  const a = await open();
  const server = createServer({ allowHalfOpen: true }, (socket) => strangers.push(socket));
  servers.push(server);
  await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
  const bound = server.address();
  a.network.send(`127.0.0.1:${typeof bound === "object" ? bound?.port : 0}`, ask(1));
  await world.until(() => strangers.length === 1);
  let isClosed = false;
  a.network.close(() => (isClosed = true));
  await world.settle();
  expect(isClosed).toBe(false);
  clock.advance(250);
  clock.advance(limits.lingerMs);
  await world.until(() => isClosed);
  expect(a.network.stats.outbound).toBe(0);
});

test("a door that could not be opened keeps nobody from closing", async () => {
  const { port } = await open();
  const taken = await open();
  await expect(taken.network.listen("127.0.0.1", port)).rejects.toThrow(/EADDRINUSE/);
  await new Promise<void>((done) => taken.network.close(done));
});

test("the counters tell what went through", async () => {
  const a = await open();
  const b = await world.endpoint("b");
  b.onReceive = (envelope, link) => link.reply(envelope.requestId, { kind: "stored", status: "durable" });
  for (let i = 0; i < 10; i++) a.network.send(b.address, ask(i));
  await world.until(() => a.received.length === 10);
  const [sent, took] = [a.network.stats, b.network.stats];
  expect(sent).toMatchObject({ inbound: 0, outbound: 1, framesSent: 11, framesReceived: 11, malformed: 0, refused: 0 });
  expect(took).toMatchObject({ inbound: 1, outbound: 0, framesSent: 11, framesReceived: 11 });
  expect(sent.bytesSent).toBe(took.bytesReceived);
  expect(took.bytesSent).toBe(sent.bytesReceived);
});
