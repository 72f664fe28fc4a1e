/** A client's machine: it reaches members over the peer protocol like the client library does, and knows no more than what comes back. */
import { fail, type Envelope, type GetCommand, type Message, type PutCommand } from "@kvorum/core";
import { NO_CLUSTER } from "@kvorum/core";
import { Endpoint } from "./endpoint.js";
import type { SimNetwork } from "./network.js";
import { Process } from "./process.js";
import { WallClock } from "./wall-clock.js";

type Done = (reply: Message | undefined) => void;

interface Pending {
  readonly to: string;
  readonly done: Done;
  readonly cancel: () => void;
}

export class ClientHost {
  readonly #endpoint: Endpoint;
  readonly #process: Process;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;

  constructor(
    readonly name: string,
    network: SimNetwork,
    onThrown: (error: unknown) => void,
  ) {
    this.#process = new Process(network.timeline, new WallClock(network.timeline), onThrown);
    this.#endpoint = new Endpoint(network, {
      ...{ name, address: name, process: this.#process },
      hello: () => ({ kind: "hello", role: "client", name, instance: 0 }),
      clusterId: () => NO_CLUSTER,
      handler: {
        admit: () => "a client takes no connections",
        receive: (envelope) => this.#answered(envelope),
        refused: () => {},
        lost: (to, sent) => this.#lost(to, sent),
      },
    });
    network.open(this.#endpoint);
  }

  request(to: string, message: GetCommand | PutCommand, timeoutMs: number, done: Done): void {
    const requestId = ++this.#lastId;
    const cancel = this.#process.clock.after(timeoutMs, () => this.#end(requestId, undefined));
    this.#pending.set(requestId, { to, done, cancel });
    if (!this.#endpoint.send(to, { requestId, deadlineMs: timeoutMs, message })) this.#end(requestId, unreached(to));
  }

  #answered(envelope: Envelope): void {
    this.#end(envelope.requestId, envelope.message);
  }

  #lost(to: string, sent: boolean): void {
    const theirs = [...this.#pending].filter(([, pending]) => pending.to === to);
    for (const [requestId] of theirs) this.#end(requestId, sent ? undefined : unreached(to));
  }

  #end(requestId: number, reply: Message | undefined): void {
    const pending = this.#pending.get(requestId);
    if (pending === undefined) return;
    this.#pending.delete(requestId);
    pending.cancel();
    pending.done(reply);
  }
}

/** Nothing left this client, so nothing was started. */
function unreached(to: string): Message {
  return { kind: "failed", failure: fail("stopping", `${to} could not be reached`).failure };
}
