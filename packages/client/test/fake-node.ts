/** A member that does as it is told: a real peer door on loopback, whose answers a test gives. */
import { createServer, type AddressInfo, type Server } from "node:net";
import {
  limits,
  Session,
  type Envelope,
  type Failure,
  type Hello,
  type Message,
  type MessageKind,
  type MessageOf,
  type RingTable,
} from "@kvorum/core";
import { FrameConnection, SlabPool, nodeText } from "@kvorum/client/internal";

type PeerSession = Session<FrameConnection>;

/** A message that arrived, and the way to answer it. */
export interface Arrival {
  readonly node: FakeNode;
  readonly envelope: Envelope;
  readonly from: Hello;
  readonly reply: (message: Message) => void;
  readonly fail: (failure: Partial<Failure> & Pick<Failure, "code">) => void;
  /** Ends the connection it came on, as a killed process does. */
  readonly cut: () => void;
}

/** Answers, or leaves a message for the test to take. */
export type Behaviour = (arrival: Arrival) => void;

/** Messages that arrived and were not answered, at one node or at several that share it. */
export class Inbox {
  readonly arrivals: Arrival[] = [];
  readonly #wanted: { readonly kind: MessageKind; readonly found: (arrival: Arrival) => void }[] = [];

  /** The first message of this kind that nobody has taken, now or when it comes. */
  take<K extends MessageKind>(kind: K): Promise<Arrival & { readonly message: MessageOf<K> }> {
    return new Promise((resolve) => {
      const found = (arrival: Arrival): void =>
        resolve({ ...arrival, message: arrival.envelope.message as MessageOf<K> });
      const place = this.arrivals.findIndex((arrival) => arrival.envelope.message.kind === kind);
      const [arrival] = place < 0 ? [] : this.arrivals.splice(place, 1);
      if (arrival === undefined) this.#wanted.push({ kind, found });
      else found(arrival);
    });
  }

  put(arrival: Arrival): void {
    const place = this.#wanted.findIndex((wanted) => wanted.kind === arrival.envelope.message.kind);
    const [wanted] = place < 0 ? [] : this.#wanted.splice(place, 1);
    if (wanted === undefined) this.arrivals.push(arrival);
    else wanted.found(arrival);
  }
}

const slabs = new SlabPool(nodeText);
const frames = { slabs, frameBytesMax: limits.frameBytesMax, queueBytesMax: limits.peerQueueBytesMax };

export class FakeNode {
  /** Greetings of connections taken so far. */
  readonly greeted: Hello[] = [];
  ring: RingTable | undefined;
  behaviour: Behaviour | undefined;
  clusterId = 7n;
  readonly #server: Server;
  readonly #sessions = new Set<PeerSession>();

  private constructor(
    server: Server,
    readonly inbox: Inbox,
    readonly port: number,
  ) {
    this.#server = server;
    server.on("connection", (socket) => {
      const session: PeerSession = new Session<FrameConnection>("acceptor", "client", this.#owner(), (handler) => {
        return new FrameConnection(socket, frames, handler);
      });
      this.#sessions.add(session);
    });
  }

  static async start(port = 0, inbox = new Inbox()): Promise<FakeNode> {
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve) => server.listen({ host: "127.0.0.1", port }, resolve));
    return new FakeNode(server, inbox, (server.address() as AddressInfo).port);
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get connections(): number {
    return this.#sessions.size;
  }

  /** Closes the door and every connection: what comes next is refused by the system. */
  async kill(): Promise<void> {
    for (const session of this.#sessions) session.pipe.destroy("killed");
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #owner(): ConstructorParameters<typeof Session<FrameConnection>>[2] {
    return {
      clusterId: () => this.clusterId,
      admit: () => undefined,
      hello: () => ({ kind: "hello", role: "member", name: "fake", instance: 1 }),
      greeted: (session) => void this.greeted.push(session.hello),
      receive: (envelope, session) => this.#receive(envelope, session),
      refused: () => {},
      replyLost: () => {},
      ended: (session) => void this.#sessions.delete(session),
    };
  }

  #receive(envelope: Envelope, session: PeerSession): void {
    const arrival: Arrival = {
      node: this,
      envelope,
      from: session.hello,
      reply: (message) => session.reply(envelope.requestId, message),
      fail: (failure) =>
        session.reply(envelope.requestId, {
          kind: "failed",
          failure: { detail: "told to", effect: "none", ...failure },
        }),
      cut: () => session.pipe.destroy("cut"),
    };
    const { kind } = envelope.message;
    if (kind === "ring" && this.ring !== undefined) return arrival.reply(this.ring);
    if (this.behaviour !== undefined) this.behaviour(arrival);
    else this.inbox.put(arrival);
  }
}

/** Every partition has all of these as owners, in this order. */
export function ringOf(nodes: readonly FakeNode[], version = "1", partitions = 64): RingTable {
  const members = nodes.map((node, place) => ({ name: `n${place + 1}`, address: node.address }));
  const owners = Array.from({ length: partitions }, () => members.map((_, place) => place));
  return { kind: "ring-table", version, members, owners };
}

/** Some fakes that know each other, agree on the ring, and share an inbox. */
export async function startNodes(count: number): Promise<FakeNode[]> {
  const inbox = new Inbox();
  const nodes = await Promise.all(Array.from({ length: count }, () => FakeNode.start(0, inbox)));
  for (const node of nodes) node.ring = ringOf(nodes);
  return nodes;
}

export const got = (body: Uint8Array, context: Uint8Array = new Uint8Array([1])): MessageOf<"got"> => ({
  kind: "got",
  body,
  context,
  needed: 2,
  received: 2,
  fallbacks: 0,
});

export const putDone = (context: Uint8Array = new Uint8Array([2])): MessageOf<"put-done"> => ({
  kind: "put-done",
  context,
  needed: 2,
  received: 3,
  fallbacks: 0,
});
