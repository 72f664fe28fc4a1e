/**
 * Whether a folder that was started again is what its cluster knows it to be, or one that was put back from a backup (TRAPS 3). Every other member
 * remembers how often this instance was started: so each is asked, once. Until enough have said that they know of no later start this node mints
 * no dot that it may have minted before, and proves no absence. It does not wait for ever: a cluster whose other members are gone must be able to
 * start. Whoever then comes back is asked all the same, and one that knows better ends it.
 */
import { limits } from "../base/limits.js";
import type { Clock } from "../ports/clock.js";
import type { StartWord } from "../wire/reap-messages.js";

export interface SelfProofOptions {
  readonly clock: Clock;
  /** All other members' names. */
  readonly others: () => readonly string[];
  /** What that member says of this start; `unknown` too when it says nothing. */
  readonly ask: (name: string, done: (word: StartWord) => void) => void;
  /** A member knows of a later start, or of another one that is counted alike. */
  readonly onOld: () => void;
  /** Enough have said so, or `inTime` is false: the time is up, or there is nobody to say so. Called once. */
  readonly onOver: (inTime: boolean) => void;
}

export class SelfProof {
  readonly #options: SelfProofOptions;
  /** Members that have said that all is well. */
  readonly #heard = new Set<string>();
  readonly #asked = new Set<string>();
  #open: boolean;
  #stopped: boolean;
  #cancel: (() => void) | undefined;

  /** `isNeeded`: false for the first start of a folder, which is behind nothing. */
  constructor(options: SelfProofOptions, isNeeded: boolean) {
    this.#options = options;
    this.#open = isNeeded;
    this.#stopped = !isNeeded;
  }

  /** It is not known yet. */
  get isOpen(): boolean {
    return this.#open;
  }

  /** The members are known: asks them. */
  begin(): void {
    if (!this.#open) return;
    this.#cancel = this.#options.clock.after(limits.selfProofMs, () => this.#end(false));
    this.#look();
    this.ask();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** Asks those who have not said anything yet, one request each at a time. */
  ask(): void {
    if (this.#stopped) return;
    for (const name of this.#options.others()) {
      if (this.#heard.has(name) || this.#asked.has(name)) continue;
      this.#asked.add(name);
      this.#options.ask(name, (word) => this.#take(name, word));
    }
  }

  #take(name: string, word: StartWord): void {
    this.#asked.delete(name);
    if (this.#stopped) return;
    if (word === "later") {
      this.stop();
      return this.#options.onOld();
    }
    if (word === "fine") this.#heard.add(name);
    this.#look();
  }

  /** Half of the others: a later start reached all of them within moments, as far as they were there. */
  #look(): void {
    const others = this.#options.others();
    // Nobody can ever say so: it need not wait, and is not believed either.
    if (others.length === 0) return this.#end(false);
    const heard = others.filter((name) => this.#heard.has(name)).length;
    if (heard >= Math.ceil(others.length / 2)) this.#end(true);
  }

  #end(inTime: boolean): void {
    if (!this.#open) return;
    this.#open = false;
    this.#cancel?.();
    this.#options.onOver(inTime);
  }
}
