/** Asking to become a member: each seed in turn, as one instance, until one takes this node in or says that none would (Dynamo §4.8.1). */
import type { Clock } from "../ports/clock.js";
import type { Address, Network } from "../ports/network.js";
import type { Message, Welcome } from "../wire/messages.js";
import type { Log } from "./context.js";
import type { NodeSettings } from "./settings.js";

const RETRY_MS = 300;

export interface JoiningOptions {
  readonly clock: Clock;
  readonly network: Network;
  readonly log: Log;
  readonly name: string;
  readonly settings: NodeSettings;
  /** On disk before anybody hears of it: a start that was broken off asks again as the same one, and is not its own rival. */
  readonly instance: number;
  readonly onWelcome: (welcome: Welcome) => void;
  /** No member would take this node in; the reason is for people. */
  readonly onRefused: (reason: string) => void;
}

export class Joining {
  readonly instance: number;
  readonly #options: JoiningOptions;
  /** How often somebody was asked; requests are numbered with it, from 1. */
  #asked = 0;
  #ended = false;

  constructor(options: JoiningOptions) {
    this.#options = options;
    this.instance = options.instance;
  }

  ask(): void {
    if (this.#ended) return;
    const { name, instance, settings, network, clock, log } = this.#options;
    const { seeds, zone, weight } = settings;
    const seed = seeds[this.#asked % seeds.length] as Address;
    if (this.#asked === seeds.length) log("info", "no seed has answered yet; asking on", { seeds });
    this.#asked++;
    const message = { kind: "join", name, instance, zone, weight } as const;
    network.send(seed, { requestId: this.#asked, deadlineMs: RETRY_MS, message });
    clock.after(RETRY_MS, () => this.ask());
  }

  /** An answer to any of the requests is one: a seed may be slower than the patience of a request. */
  take(requestId: number, message: Message): void {
    if (this.#ended || requestId < 1 || requestId > this.#asked) return;
    const { log, onWelcome, onRefused } = this.#options;
    if (message.kind === "welcome") {
      this.#ended = true;
      onWelcome(message);
    } else if (message.kind === "failed" && message.failure.code === "join-refused") {
      this.#ended = true;
      onRefused(`joining was refused: ${message.failure.detail}`);
    } else if (message.kind === "failed") {
      const { code, detail } = message.failure;
      log("warn", "a seed can't take this node in now; asking on", { code, detail });
    }
  }
}
