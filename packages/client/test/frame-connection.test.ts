/** One connection over a socket that the test holds in its hand: coalescing, slabs, bounds, and the watch over time. */
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { encodeFrame, FrameParser, Writer, type Envelope, type Frame } from "@kvorum/core";
import { describe, expect, test } from "vitest";
import { FrameConnection, type FrameConnectionOptions } from "../src/frame-connection.js";
import { nodeText } from "../src/primitives.js";
import { SlabPool } from "../src/slab-pool.js";

const CLUSTER = 9n;

/** As much of a socket as a connection uses. Writes are kept until `takeAll`, as by a kernel whose buffer is full. */
class HeldSocket extends EventEmitter {
  connecting = false;
  destroyed = false;
  ended = false;
  paused = false;
  bytesRead = 0;
  readonly writes: { readonly bytes: Uint8Array; readonly done: () => void }[] = [];

  write(bytes: Uint8Array, done: () => void): boolean {
    this.writes.push({ bytes, done });
    return false;
  }

  /** Takes the oldest write and returns a copy of its bytes as they are at that moment. */
  take(): Uint8Array {
    const write = this.writes.shift();
    if (write === undefined) throw new Error("nothing was written");
    const bytes = write.bytes.slice();
    write.done();
    return bytes;
  }

  receive(bytes: Uint8Array): void {
    this.bytesRead += bytes.length;
    this.emit("data", Buffer.from(bytes));
  }

  end(): void {
    this.ended = true;
  }

  destroy(): void {
    this.destroyed = true;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }
}

function gossip(requestId: number, size = 10, deadlineMs = 0): Envelope {
  return { requestId, deadlineMs, message: { kind: "gossip", payload: new Uint8Array(size).fill(requestId) } };
}

function frameOf(envelope: Envelope): Uint8Array {
  const writer = new Writer(nodeText);
  encodeFrame(writer, CLUSTER, envelope);
  return writer.take();
}

function idsIn(...chunks: readonly Uint8Array[]): number[] {
  const ids: number[] = [];
  const parser = new FrameParser(nodeText, 1e9);
  for (const chunk of chunks) {
    parser.push(chunk, ({ envelope: { requestId, message } }) => {
      if (message.kind !== "gossip" || message.payload.some((byte) => byte !== (requestId & 0xff))) {
        throw new Error(`frame ${requestId} was written over`);
      }
      ids.push(requestId);
    });
  }
  return ids;
}

function make(options: Partial<FrameConnectionOptions> = {}) {
  const socket = new HeldSocket();
  const frames: Frame[] = [];
  const closed: { readonly reason: string; readonly malformed: boolean }[] = [];
  const connection = new FrameConnection(
    socket as unknown as Socket,
    { slabs: new SlabPool(nodeText), frameBytesMax: 1_000_000, queueBytesMax: 4_000_000, ...options },
    { frame: (frame) => frames.push(frame), closed: (reason, malformed) => closed.push({ reason, malformed }) },
  );
  const send = (envelope: Envelope): string => connection.send(CLUSTER, envelope);
  return { socket, frames, closed, connection, send };
}

/** The turn in which frames are sent ends, and what was scheduled for its end has run. */
const turnEnds = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

describe("frames on the way out", () => {
  test("all frames of one turn leave in one write, and none within it", async () => {
    const { socket, send } = make();
    for (const id of range(0, 100)) send(gossip(id));
    expect(socket.writes.length).toBe(0);
    await turnEnds();
    expect(socket.writes.length).toBe(1);
    expect(idsIn(socket.take())).toEqual(range(0, 100));
  });

  test("while the socket holds a write, frames gather behind it and leave together", async () => {
    const { socket, send } = make();
    send(gossip(0));
    await turnEnds();
    for (const id of range(1, 50)) {
      send(gossip(id));
      await turnEnds();
    }
    expect(socket.writes.length).toBe(1);
    const first = socket.take();
    await turnEnds();
    expect(idsIn(first, socket.take())).toEqual(range(0, 50));
  });

  test("the bytes of a write are not written over while the socket holds them, however many frames follow", async () => {
    const { socket, send } = make({ queueBytesMax: 1e9 });
    const taken: Uint8Array[] = [];
    for (const id of range(0, 3_000)) {
      send(gossip(id, (id * 131) % 3_000));
      if (id % 97 === 0) await turnEnds();
      if (id % 389 === 0 && socket.writes.length > 0) taken.push(socket.take());
    }
    await turnEnds();
    while (socket.writes.length > 0) {
      taken.push(socket.take());
      await turnEnds();
    }
    expect(idsIn(...taken)).toEqual(range(0, 3_000));
  });

  test("the queue is bounded by bytes, those that the socket holds included, and takes frames again when they went", async () => {
    const { socket, send, connection } = make({ queueBytesMax: 1_000 });
    expect(send(gossip(0, 900))).toBe("taken");
    await turnEnds();
    expect(send(gossip(1, 900))).toBe("full");
    expect(send(gossip(2, 10))).toBe("taken");
    socket.take();
    await turnEnds();
    expect(idsIn(socket.take())).toEqual([2]);
    expect(connection.queuedBytes).toBe(0);
    expect(send(gossip(3, 900))).toBe("taken");
  });

  test("a frame that is too large leaves no trace in the stream", async () => {
    const { socket, send } = make({ frameBytesMax: 1_000 });
    expect(send(gossip(0, 2_000))).toBe("too-large");
    send(gossip(1));
    expect(send(gossip(2, 2_000))).toBe("too-large");
    send(gossip(3));
    await turnEnds();
    expect(idsIn(socket.take())).toEqual([1, 3]);
  });

  test("a message whose encoding throws leaves no trace in the stream", async () => {
    const { socket, send } = make();
    send(gossip(1));
    const broken = { requestId: 2, deadlineMs: 0, message: { kind: "gossip", payload: undefined } };
    expect(() => send(broken as unknown as Envelope)).toThrow(TypeError);
    send(gossip(3));
    await turnEnds();
    expect(idsIn(socket.take())).toEqual([1, 3]);
  });

  test("what waits leaves before the end does", async () => {
    const { socket, send, connection } = make();
    send(gossip(1));
    connection.end("done");
    expect(send(gossip(2))).toBe("closed");
    await turnEnds();
    expect(socket.ended).toBe(false);
    expect(idsIn(socket.take())).toEqual([1]);
    expect(socket.ended).toBe(true);
  });
});

describe("frames on the way in", () => {
  test("bytes that are no frames end the connection, and the handler hears why before anything else comes", () => {
    const { socket, frames, closed } = make();
    socket.receive(frameOf(gossip(1)));
    socket.receive(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: kvorum\r\n\r\n"));
    expect(frames.length).toBe(1);
    expect(closed).toEqual([{ reason: "this is not Kvorum's peer protocol", malformed: true }]);
    expect(socket.destroyed).toBe(true);
    socket.receive(frameOf(gossip(2)));
    socket.emit("close");
    expect(frames.length).toBe(1);
    expect(closed.length).toBe(1);
  });

  test("nothing is read on while too much waits to be sent, until half of it went", async () => {
    const { socket, send } = make({ queueBytesPause: 300_000 });
    for (const id of range(0, 4)) send(gossip(id, 100_000));
    expect(socket.paused).toBe(true);
    await turnEnds();
    socket.take();
    expect(socket.paused).toBe(true);
    socket.take();
    expect(socket.paused).toBe(false);
  });

  test("delivered frames are the connection's own: a handler that destroys it gets no more of the same chunk", () => {
    const socket = new HeldSocket();
    const ids: number[] = [];
    const connection: FrameConnection = new FrameConnection(
      socket as unknown as Socket,
      { slabs: new SlabPool(nodeText), frameBytesMax: 1e6, queueBytesMax: 1e6 },
      {
        frame({ envelope }) {
          ids.push(envelope.requestId);
          connection.destroy("enough");
        },
        closed: () => {},
      },
    );
    socket.receive(Uint8Array.of(...frameOf(gossip(1)), ...frameOf(gossip(2))));
    expect(ids).toEqual([1]);
  });
});

describe("the watch", () => {
  const times = { dialTimeoutMs: 1_000, stallTimeoutMs: 2_000, idleTimeoutMs: 60_000, lingerMs: 500 };
  /** A monotonic clock starts anywhere. */
  const START_MS = 5_000_000;
  type Made = ReturnType<typeof make>;
  const watched = (): Made => make(times);
  /** Checks every 250 ms from `fromMs` on until the connection ends; returns when, or `Infinity` if not by `toMs`. */
  const endsAt = ({ connection, closed }: Made, fromMs: number, toMs: number): number => {
    for (let nowMs = fromMs; nowMs <= toMs; nowMs += 250) {
      connection.check(START_MS + nowMs);
      if (closed.length > 0) return nowMs;
    }
    return Infinity;
  };

  test("gives up an address that is not reached in time, and knows that nothing arrived", () => {
    const made = watched();
    const { socket } = made;
    socket.connecting = true;
    expect(endsAt(made, 0, 5_000)).toBe(1_000);
  });

  test("cuts who takes nothing of what was sent, and not who takes it slowly", async () => {
    const made = watched();
    const { send, socket } = made;
    send(gossip(1));
    await turnEnds();
    expect(endsAt(made, 0, 1_750)).toBe(Infinity);
    socket.take();
    send(gossip(2));
    await turnEnds();
    expect(endsAt(made, 1_750, 3_500)).toBe(Infinity);
    expect(endsAt(made, 3_750, 9_000)).toBe(3_750);
  });

  test("gives up a connection on which an answer was due and nothing at all came", async () => {
    const made = watched();
    const { send, socket } = made;
    send(gossip(1, 10, 800));
    await turnEnds();
    socket.take();
    expect(endsAt(made, 0, 750)).toBe(Infinity);
    expect(endsAt(made, 1_000, 9_000)).toBe(1_000);
  });

  test("keeps one on which something else came: that request alone was slow", async () => {
    const made = watched();
    const { connection, send, socket } = made;
    send(gossip(1, 10, 800));
    await turnEnds();
    socket.take();
    connection.check(START_MS);
    socket.receive(frameOf(gossip(7)));
    expect(endsAt(made, 250, 10_000)).toBe(Infinity);
  });

  test("lets an idle connection go at last", () => {
    const made = watched();
    expect(endsAt(made, 0, 100_000)).toBe(60_000);
  });

  test("does not wait for ever for the other side's end", async () => {
    const made = watched();
    const { connection, socket } = made;
    connection.check(START_MS);
    connection.end("done");
    await turnEnds();
    expect(socket.ended).toBe(true);
    expect(endsAt(made, 250, 5_000)).toBe(750);
  });
});
