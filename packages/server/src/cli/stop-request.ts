/** When a long-running command is told to stop: by SIGTERM or SIGINT, or by the end of a parent that holds its stdin. */
import type { Io } from "./io.js";

const STOPPED_AT_ONCE = 1;

export class StopRequest {
  /** Resolves, to nothing, when it is time to stop. */
  readonly requested: Promise<undefined>;
  readonly #io: Io;
  readonly #forget: () => void;
  #request!: () => void;
  #asked = false;

  constructor(io: Io) {
    this.#io = io;
    this.requested = new Promise((resolve) => {
      this.#request = () => resolve(undefined);
    });
    this.#forget = io.onSignal(() => {
      // Who asks twice does not want to wait.
      if (this.#asked) return io.exitNow(STOPPED_AT_ONCE);
      this.#asked = true;
      this.#request();
    });
  }

  /** A pipe that a parent opened closes with it, however it died: so nobody outlives a parent that was killed. */
  whenStdinEnds(): void {
    this.#io.stdin.on("close", this.#request).on("end", this.#request).on("error", this.#request).resume();
  }

  dispose(): void {
    this.#forget();
  }
}
