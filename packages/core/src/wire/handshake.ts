/**
 * The greeting of a connection and the border between clusters: what each side makes of the frames that come, over TCP and in memory.
 *
 * The side that opened says hello, and need not wait: the one that accepted answers with its own hello, or with `refused` and the
 * end. From then on every frame must be of the same cluster. An id per frame costs 8 bytes and means that a connection that outlives
 * its node's cluster, or a member of another one at a known address, is found out at the first frame (DESIGN §6).
 */
import { MalformedError } from "../base/bytes.js";
import { NO_CLUSTER, type Frame } from "./frame.js";
import type { Hello } from "./messages.js";

/** How the reason begins when the two belong to different clusters: the one refusal that trying again cannot mend. */
export const FOREIGN_CLUSTER = "cluster ";

/** `greeted`: the other side is known now. `deliver`: a message. `refuse`: say why, then close. `refused`: the other side did. */
export type Verdict = "greeted" | "deliver" | "refuse" | "refused";

export interface Host {
  clusterId(): bigint;
  /** A reason not to take this greeting, or undefined. */
  admit(hello: Hello): string | undefined;
}

export class Handshake {
  /** The other side, once it has greeted and was taken. */
  hello: Hello | undefined;
  /** Why, after `refuse` and `refused`. */
  reason = "";

  constructor(
    readonly side: "opener" | "acceptor",
    readonly host: Host,
  ) {}

  /** To be asked about every frame, in order. Throws {@link MalformedError} for one that has no business there. */
  judge(frame: Frame): Verdict {
    const { message } = frame.envelope;
    if (message.kind === "refused") {
      this.reason = message.reason;
      return "refused";
    }
    if (this.hello === undefined) {
      if (message.kind !== "hello") throw new MalformedError(`${message.kind} before any greeting`);
      return this.#greet(frame, message);
    }
    if (message.kind === "hello") throw new MalformedError("a second greeting");
    const foreign = this.#foreign(frame.clusterId, this.hello);
    return foreign === undefined ? "deliver" : this.#refuse(foreign);
  }

  #greet(frame: Frame, hello: Hello): Verdict {
    const reason =
      this.#foreign(frame.clusterId, hello) ?? (this.side === "acceptor" ? this.host.admit(hello) : undefined);
    if (reason !== undefined) return this.#refuse(reason);
    this.hello = hello;
    return "greeted";
  }

  #refuse(reason: string): Verdict {
    this.reason = reason;
    return "refuse";
  }

  /** Members must match exactly; who knows no cluster yet may ask, and may be answered. */
  #foreign(clusterId: bigint, from: Hello): string | undefined {
    const own = this.host.clusterId();
    if (clusterId === own) return undefined;
    if (this.side === "opener" ? own === NO_CLUSTER : clusterId === NO_CLUSTER && from.role !== "member")
      return undefined;
    if (own === NO_CLUSTER) return "this node belongs to no cluster yet";
    return `${FOREIGN_CLUSTER}${clusterText(clusterId)}: this node belongs to ${clusterText(own)}`;
  }
}

/** A cluster's id as people see it: 16 hex digits. */
export function clusterText(clusterId: bigint): string {
  return clusterId === NO_CLUSTER ? "none" : clusterId.toString(16).padStart(16, "0");
}
