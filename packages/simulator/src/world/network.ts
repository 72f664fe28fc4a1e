/** The network of a world: who is reached at which address, the paths between hosts, and how a connection comes about. */
import { Writer, type Primitives, type Rng } from "@kvorum/core";
import type { RunDigest } from "../digest.js";
import type { Endpoint } from "./endpoint.js";
import { FAIR, Path, type Closure, type Weather } from "./path.js";
import type { SimPipe } from "./pipe.js";
import type { Timeline } from "./timeline.js";

export interface NetworkOptions {
  readonly primitives: Primitives;
  /** Milliseconds one way on a fair day. */
  readonly delayMinMs: number;
  readonly delayMaxMs: number;
  /** Bytes that may be under way on one connection in one direction. */
  readonly queueBytesMax: number;
  readonly frameBytesMax: number;
  /** How long a connection waits to stand, and how long for anything to be taken, before it is given up. */
  readonly dialTimeoutMs: number;
  readonly stallMs: number;
  /** What the weather did to a frame, or why it waits. */
  readonly onWeather: (kind: "loss" | "duplicate" | "reorder" | Closure, path: Path) => void;
  readonly onFull: (path: Path) => void;
  /** Bytes arrived that are no frame: since nothing here damages them, always a bug. */
  readonly onMalformed: (path: Path, reason: string) => void;
}

export class SimNetwork {
  /** By address: the host's name, for good, and the endpoint of its process, as long as that lives. */
  readonly #hosts = new Map<string, string>();
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #paths = new Map<string, Path>();
  /** Every frame is written here and copied out: one at a time, whoever sends it. */
  readonly writer: Writer;
  readonly peaks = { queueBytes: 0, frameBytes: 0 };

  constructor(
    readonly timeline: Timeline,
    readonly rng: Rng,
    readonly digest: RunDigest,
    readonly options: NetworkOptions,
  ) {
    this.writer = new Writer(options.primitives.text);
  }

  /** A process opens its door; the address is its host's from now on. */
  open(endpoint: Endpoint): void {
    const { address, name } = endpoint.options;
    this.#hosts.set(address, name);
    this.#endpoints.set(address, endpoint);
  }

  /** The name of the host at an address; undefined where none ever was. */
  hostAt(address: string): string | undefined {
    return this.#hosts.get(address);
  }

  /** Whether a process that runs has its door open there. */
  isReached(address: string): boolean {
    return this.#endpoints.get(address)?.isClosed === false;
  }

  path(from: string, to: string): Path {
    const name = `${from}>${to}`;
    const known = this.#paths.get(name);
    if (known !== undefined) return known;
    const { delayMinMs, delayMaxMs } = this.options;
    const path = new Path(name, this.#paths.size, this.rng.fork(name), delayMinMs, delayMaxMs);
    this.#paths.set(name, path);
    return path;
  }

  /** Closes the paths between two sides; the returned function opens them again. Closures add up. */
  close(from: readonly string[], to: readonly string[], direction: "one-way" | "both"): () => void {
    const there = this.#between(from, to);
    const paths = direction === "both" ? [...there, ...this.#between(to, from)] : there;
    const openers = paths.map((path) => path.close());
    return () => {
      for (const open of openers) open();
    };
  }

  /** Nothing leaves on the paths from one side to the other for a moment. */
  clog(from: readonly string[], to: readonly string[]): () => void {
    const openers = this.#between(from, to).map((path) => path.close("clogged"));
    return () => {
      for (const open of openers) open();
    };
  }

  /** Gives the paths from one side to the other another weather; the returned function brings the fair one back. */
  storm(from: readonly string[], to: readonly string[], weather: Partial<Weather>): () => void {
    const paths = this.#between(from, to);
    for (const path of paths) path.weather = { ...FAIR, ...weather };
    return () => {
      for (const path of paths) path.weather = FAIR;
    };
  }

  /** Every path is open and fair. */
  heal(): void {
    for (const path of this.#paths.values()) path.heal();
  }

  /** There and back, as TCP does it: nothing leaves before the opener knows that it was heard. */
  connect(pipe: SimPipe, to: string): void {
    const { timeline, options } = this;
    const { from, path } = pipe;
    const cancelTimeout = timeline.after(options.dialTimeoutMs, () => {
      from.run(() => pipe.destroy("the other side could not be reached in time"));
    });
    if (!path.isOpen) return options.onWeather(path.closedBy, path);
    timeline.after(path.travelMs(), () => {
      const endpoint = this.#endpoints.get(to);
      if (endpoint === undefined || !pipe.open) return;
      const back = this.path(endpoint.name, from.name);
      if (!back.isOpen || endpoint.isSilent) return;
      if (endpoint.isClosed) {
        cancelTimeout();
        timeline.after(back.travelMs(), () => from.run(() => pipe.destroy("nobody answers")));
        return;
      }
      endpoint.run(() => {
        const accepted = endpoint.accept(from, pipe);
        // The kernel's affair, not the process's: it goes on while that is paused.
        timeline.after(back.travelMs(), () => {
          cancelTimeout();
          pipe.connected(accepted);
        });
      });
    });
  }

  #between(from: readonly string[], to: readonly string[]): Path[] {
    return from.flatMap((a) => to.filter((b) => b !== a).map((b) => this.path(a, b)));
  }

  noteSizes(queueBytes: number, frameBytes: number): void {
    const { peaks } = this;
    if (queueBytes > peaks.queueBytes) peaks.queueBytes = queueBytes;
    if (frameBytes > peaks.frameBytes) peaks.frameBytes = frameBytes;
  }
}
