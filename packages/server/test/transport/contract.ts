/** What every implementation of the network port owes, on a real wire or in memory. */
import {
  FOREIGN_CLUSTER,
  NO_CLUSTER,
  type Envelope,
  type Hello,
  type Link,
  type Message,
  type Network,
} from "@kvorum/core";
import { isDeepStrictEqual } from "node:util";
import { afterEach, describe, expect, test } from "vitest";

export const CLUSTER = 0x1122_3344_5566_7788n;

/** A node's end of the network under test, with everything that came to it. */
export interface TestEndpoint {
  readonly address: string;
  readonly network: Network & { forget(address: string): void };
  readonly received: { readonly envelope: Envelope; readonly link: Link }[];
  readonly refusals: string[];
  readonly losses: { readonly to: string; readonly sent: boolean }[];
  clusterId: bigint;
  hello: Hello;
  admits: (hello: Hello) => string | undefined;
  onReceive: (envelope: Envelope, link: Link) => void;
}

export interface NetworkWorld {
  endpoint(name: string): Promise<TestEndpoint>;
  /** Stops what answers at this endpoint's address, without a word to its peers. */
  kill(endpoint: TestEndpoint): Promise<void>;
  /** Another endpoint at the same address. */
  revive(endpoint: TestEndpoint): Promise<TestEndpoint>;
  /** Lets the world turn until `condition` holds; fails after a deadline. */
  until(condition: () => boolean): Promise<void>;
  /** Lets everything that is under way arrive. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

export function ask(
  requestId: number,
  message: Message = { kind: "fetch", id: bytesOf("b/k"), epoch: 1, phase: 3 },
): Envelope {
  return { requestId, deadlineMs: 1_000, message };
}

/** A message of about `size` bytes. */
function large(size: number): Message {
  return { kind: "gossip", payload: new Uint8Array(size).map((_, i) => i % 251) };
}

export function networkContract(
  name: string,
  makeWorld: (queueBytesMax: number, frameBytesMax: number) => NetworkWorld,
): void {
  describe(`${name} keeps the contract of the network port`, () => {
    const QUEUE = 4 * 1024 * 1024;
    const FRAME = 2 * 1024 * 1024;
    let world: NetworkWorld;

    const pair = async (): Promise<[TestEndpoint, TestEndpoint]> => {
      world = makeWorld(QUEUE, FRAME);
      return [await world.endpoint("a"), await world.endpoint("b")];
    };
    afterEach(() => world.close());

    test("a request reaches its address with everything it carries, and the link knows who asked", async () => {
      const [a, b] = await pair();
      expect(a.network.send(b.address, ask(7))).toBe(true);
      await world.until(() => b.received.length === 1);
      expect(b.received[0]?.envelope).toEqual(ask(7));
      expect(b.received[0]?.link.hello).toEqual(a.hello);
    });

    test("a reply comes back to the asker on the same connection, with the request's id", async () => {
      const [a, b] = await pair();
      b.onReceive = (envelope, link) => link.reply(envelope.requestId, { kind: "stored", status: "durable" });
      a.network.send(b.address, ask(0xffff_ffff));
      await world.until(() => a.received.length === 1);
      expect(a.received[0]?.envelope).toEqual({
        requestId: 0xffff_ffff,
        deadlineMs: 0,
        message: { kind: "stored", status: "durable" },
      });
      expect(a.received[0]?.link.hello).toEqual(b.hello);
    });

    test("frames of one address arrive in the order they were sent, each once, large ones whole", async () => {
      const [a, b] = await pair();
      const sizes = Array.from({ length: 200 }, (_, i) => (i % 50 === 49 ? 300_000 : (i * 37) % 4_000));
      sizes.forEach((size, i) => expect(a.network.send(b.address, ask(i, large(size)))).toBe(true));
      await world.until(() => b.received.length >= sizes.length);
      await world.settle();
      const same = b.received.map(({ envelope }, i) => isDeepStrictEqual(envelope, ask(i, large(sizes[i] ?? 0))));
      expect(same).toEqual(sizes.map(() => true));
    });

    test("both sides may ask each other at once", async () => {
      const [a, b] = await pair();
      for (const side of [a, b]) {
        side.onReceive = (envelope, link) => {
          if (envelope.message.kind === "fetch") link.reply(envelope.requestId, { kind: "stored", status: "durable" });
        };
      }
      for (let i = 0; i < 100; i++) {
        a.network.send(b.address, ask(i));
        b.network.send(a.address, ask(i));
      }
      const replies = (side: TestEndpoint): number[] =>
        side.received.filter((r) => r.envelope.message.kind === "stored").map((r) => r.envelope.requestId);
      await world.until(() => replies(a).length === 100 && replies(b).length === 100);
      expect(replies(a)).toEqual(Array.from({ length: 100 }, (_, i) => i));
      expect(replies(b)).toEqual(replies(a));
    });

    test("nothing is delivered before send returns", async () => {
      const [a, b] = await pair();
      a.network.send(b.address, ask(1));
      expect(b.received).toEqual([]);
    });

    test("what does not fit into the bounded queue is not taken, and what was taken arrives all the same", async () => {
      const [a, b] = await pair();
      const taken: number[] = [];
      for (let i = 0; i < 10; i++) if (a.network.send(b.address, ask(i, large(1_000_000)))) taken.push(i);
      expect(taken).toEqual([0, 1, 2, 3]);
      await world.until(() => b.received.length === taken.length);
      expect(a.network.send(b.address, ask(99))).toBe(true);
      await world.until(() => b.received.length === taken.length + 1);
      expect(b.received.map(({ envelope }) => envelope.requestId)).toEqual([...taken, 99]);
    });

    test("a frame larger than the other side would take is not taken, and costs the others nothing", async () => {
      const [a, b] = await pair();
      expect(a.network.send(b.address, ask(1))).toBe(true);
      expect(a.network.send(b.address, ask(2, large(FRAME)))).toBe(false);
      expect(a.network.send(b.address, ask(3))).toBe(true);
      await world.until(() => b.received.length === 2);
      expect(b.received.map(({ envelope }) => envelope.requestId)).toEqual([1, 3]);
    });

    test("a greeting that the handler does not admit is refused with its reason, and nothing is delivered", async () => {
      const [a, b] = await pair();
      b.admits = (hello) => `instance ${hello.instance} was removed`;
      a.network.send(b.address, ask(1));
      await world.until(() => a.refusals.length > 0);
      await world.settle();
      expect(a.refusals).toEqual([`${b.address}: instance ${a.hello.instance} was removed`]);
      expect(b.received).toEqual([]);
    });

    test("two clusters never mix: a member of another one is refused, and told so", async () => {
      const [a, b] = await pair();
      a.clusterId = 0x99n;
      a.network.send(b.address, ask(1));
      await world.until(() => a.refusals.length > 0);
      expect(a.refusals[0]?.slice(b.address.length + 2).startsWith(FOREIGN_CLUSTER)).toBe(true);
      expect(a.refusals[0]).toContain("1122334455667788");
      expect(a.refusals[0]).toContain("0000000000000099");
      expect(b.received).toEqual([]);
    });

    test("a member of no cluster is refused, a joiner and a client are heard and answered", async () => {
      const [a, b] = await pair();
      b.onReceive = (envelope, link) => link.reply(envelope.requestId, { kind: "stored", status: "durable" });
      a.clusterId = NO_CLUSTER;
      for (const role of ["joiner", "client"] as const) {
        const other = await world.endpoint(role);
        other.clusterId = NO_CLUSTER;
        other.hello = { ...other.hello, role };
        other.network.send(b.address, ask(1));
        await world.until(() => other.received.length === 1);
      }
      const heard = b.received.length;
      a.network.send(b.address, ask(2));
      await world.until(() => a.refusals.length === 1);
      expect(b.received.length).toBe(heard);
    });

    test("a node that knows no cluster yet refuses members", async () => {
      const [a, b] = await pair();
      b.clusterId = NO_CLUSTER;
      a.network.send(b.address, ask(1));
      await world.until(() => a.refusals.length > 0);
      expect(a.refusals[0]).toContain("no cluster yet");
    });

    test("who has joined greets anew: the other side never takes a member for a joiner", async () => {
      const [a, b] = await pair();
      a.clusterId = NO_CLUSTER;
      a.hello = { ...a.hello, role: "joiner" };
      a.network.send(b.address, ask(1));
      await world.until(() => b.received.length === 1);
      a.clusterId = CLUSTER;
      a.hello = { ...a.hello, role: "member" };
      a.network.send(b.address, ask(2));
      await world.until(() => b.received.length === 2);
      expect(b.received.map(({ link }) => link.hello.role)).toEqual(["joiner", "member"]);
      await world.settle();
      expect(a.losses).toEqual([]);
    });

    test("an address that answers nothing costs the frames and no more; when it answers again, they arrive", async () => {
      const [a, b] = await pair();
      a.network.send(b.address, ask(1));
      await world.until(() => b.received.length === 1);
      await world.kill(b);
      a.network.send(b.address, ask(2));
      await world.settle();
      a.network.send(b.address, ask(3));
      await world.settle();
      const back = await world.revive(b);
      let id = 10;
      await world.until(() => {
        if (back.received.length === 0) a.network.send(b.address, ask(id++));
        return back.received.length > 0;
      });
      expect(back.received[0]?.envelope.requestId).toBeGreaterThanOrEqual(10);
    });

    test("a forgotten connection is dialled anew by the next frame", async () => {
      const [a, b] = await pair();
      const links = new Set<Link>();
      b.onReceive = (_, link) => links.add(link);
      a.network.send(b.address, ask(1));
      await world.until(() => b.received.length === 1);
      a.network.forget(b.address);
      a.network.send(b.address, ask(2));
      await world.until(() => b.received.length === 2);
      expect(links.size).toBe(2);
    });

    test("when a connection breaks, its user hears once that what was sent may have arrived", async () => {
      const [a, b] = await pair();
      a.network.send(b.address, ask(1));
      await world.until(() => b.received.length === 1);
      await world.kill(b);
      await world.until(() => a.losses.length > 0);
      await world.settle();
      expect(a.losses).toEqual([{ to: b.address, sent: true }]);
    });

    test("when an address cannot be reached, its user hears that nothing arrived", async () => {
      const [a, b] = await pair();
      await world.kill(b);
      expect(a.network.send(b.address, ask(1))).toBe(true);
      await world.until(() => a.losses.length > 0);
      expect(a.losses).toEqual([{ to: b.address, sent: false }]);
    });

    test("when a greeting is refused, its user hears that nothing sent behind it was acted on", async () => {
      const [a, b] = await pair();
      b.admits = () => "no";
      a.network.send(b.address, ask(1));
      await world.until(() => a.losses.length > 0);
      expect(a.losses).toEqual([{ to: b.address, sent: false }]);
    });

    test("a loss is told before another connection takes frames: those are not lost with the old ones", async () => {
      const [a, b] = await pair();
      a.network.send(b.address, ask(1));
      await world.until(() => b.received.length === 1);
      a.network.forget(b.address);
      expect(a.losses).toEqual([{ to: b.address, sent: true }]);
      a.network.send(b.address, ask(2));
      await world.until(() => b.received.length === 2);
      await world.settle();
      expect(a.losses.length).toBe(1);
    });

    test("a link whose connection is gone takes replies in silence", async () => {
      const [a, b] = await pair();
      a.network.send(b.address, ask(1));
      await world.until(() => b.received.length === 1);
      await world.kill(a);
      await world.settle();
      b.received[0]?.link.reply(1, { kind: "stored", status: "durable" });
      await world.settle();
      expect(a.received).toEqual([]);
    });

    test("after close nothing is taken or delivered, and the address is free", async () => {
      const [a, b] = await pair();
      a.network.send(b.address, ask(1));
      await world.until(() => b.received.length === 1);
      let closed = 0;
      b.network.close(() => closed++);
      b.network.close(() => closed++);
      await world.until(() => closed === 2);
      expect(b.network.send(a.address, ask(2))).toBe(false);
      a.network.send(b.address, ask(3));
      await world.settle();
      expect(b.received.length).toBe(1);
      await world.revive(b);
    });
  });
}
