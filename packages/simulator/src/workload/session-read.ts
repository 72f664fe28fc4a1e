/**
 * One read of a client that has a session, as the client library's session makes it (client/src/transports/session.ts): what knows less than the session
 * has seen is not shown, and asked again of all primaries until one knows enough or the read's time is over. What it remembers and decides is core's.
 */
import type { GetCommand, Got, Knowledge, ReadVerdict, SessionMemory } from "@kvorum/core";
import { nameOf, type Operation } from "../history.js";
import type { Company } from "./company.js";

const PAUSE_FIRST_MS = 10;
const PAUSE_MAX_MS = 250;

export class SessionRead {
  readonly #name: string;
  /** What is known when the read begins: a write that ends meanwhile may have come too late for it. */
  readonly #known: Knowledge;
  readonly #endMs: number;
  #asksAll = 0;

  constructor(
    readonly all: Company,
    readonly memory: SessionMemory,
    operation: Operation,
    readonly first: GetCommand,
    timeoutMs: number,
  ) {
    this.#name = nameOf(operation);
    this.#known = memory.known(this.#name);
    this.#endMs = all.world.nowMs + timeoutMs;
  }

  get command(): GetCommand {
    return this.#asksAll === 0 ? this.first : { ...this.first, r: "all", sloppy: false };
  }

  /** Undefined: it may be shown. Else after how many milliseconds to ask again, and infinity when the time is over. */
  refuse({ body, fallbacks }: Got): number | undefined {
    const { memory, all } = this;
    const read: Knowledge = { vector: all.lens.state(body).vector, byFallbacks: fallbacks > 0 };
    const verdict = this.#judge(read);
    if (verdict === "was-reaped") memory.forget(this.#name);
    if (verdict !== "knows-less") {
      memory.learn(this.#name, read);
      return undefined;
    }
    const pauseMs = this.#asksAll === 0 ? 0 : Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** this.#asksAll);
    this.#asksAll++;
    const isOver = all.world.nowMs + pauseMs >= this.#endMs;
    if (!isOver) all.taken.mark("a session asked again");
    return isOver ? Infinity : pauseMs;
  }

  #judge(read: Knowledge): ReadVerdict {
    if (this.all.world.plants.has("session-takes-less")) return "shows-enough";
    return this.memory.judge(this.#known, read, this.#asksAll > 0);
  }
}
