/**
 * One end of a simulated connection: frames are really encoded, travel one by one, and are really parsed on arrival.
 *
 * It keeps what the network port promises (in order, at most once, and when something is lost all that follows is) for greetings, joins and
 * writes that clients wait for. For the rest it promises less than a TCP connection does: single frames are lost, doubled and overtaken where
 * the path's weather says so, since what nodes say to each other as replicas must not depend on more.
 */
import { encodeFrame, FrameParser, MalformedError, type Envelope, type MessageKind } from "@kvorum/core";
import type { Pipe, PipeHandler, SendResult } from "@kvorum/core";
import type { Endpoint } from "./endpoint.js";
import type { Path } from "./path.js";

interface Parcel {
  readonly bytes: Uint8Array;
  readonly kind: MessageKind;
}

/** Kinds that come exactly in order and at most once, as long as their connection lives. */
const STEADY: ReadonlySet<MessageKind> = new Set(["hello", "refused", "put", "put-done", "join", "welcome"]);

export class SimPipe implements Pipe {
  other: SimPipe | undefined;
  /** The connection stands: frames that leave may arrive. */
  reached = false;
  /** A frame has come in: the other side's greeting, since that is the first. */
  handshaken = false;
  readonly #parser: FrameParser;
  /** What has not left: the connection does not stand yet, or its path is closed. */
  #waiting: Parcel[] = [];
  #queuedBytes = 0;
  #lastArrivalMs = 0;
  #state: "open" | "ending" | "closed" = "open";
  #stall: (() => void) | undefined;

  constructor(
    readonly from: Endpoint,
    readonly path: Path,
    readonly handler: PipeHandler,
  ) {
    const { primitives, frameBytesMax } = from.network.options;
    this.#parser = new FrameParser(primitives.text, frameBytesMax);
  }

  get open(): boolean {
    return this.#state === "open";
  }

  send(clusterId: bigint, envelope: Envelope): SendResult {
    if (this.#state !== "open") return "closed";
    const { network } = this.from;
    const { writer } = network;
    writer.reset();
    encodeFrame(writer, clusterId, envelope);
    const size = writer.length;
    if (size > network.options.frameBytesMax) return "too-large";
    if (this.#queuedBytes + size > network.options.queueBytesMax) {
      network.options.onFull(this.path);
      return "full";
    }
    this.#queuedBytes += size;
    network.noteSizes(this.#queuedBytes, size);
    this.#waiting.push({ bytes: writer.take(), kind: envelope.message.kind });
    this.depart();
    return "taken";
  }

  /** The connection stands now; one that was given up meanwhile is taken down again. */
  connected(other: SimPipe): void {
    this.other = other;
    if (this.#state === "closed") return this.#tellOther();
    this.reached = true;
    this.depart();
  }

  /** Lets go of what waits, if it can. */
  depart(): void {
    if (!this.reached || this.#state === "closed" || this.#waiting.length === 0) return;
    if (!this.path.isOpen) return this.#hold();
    this.#stall?.();
    this.#stall = undefined;
    for (const parcel of this.#waiting.splice(0)) this.#travel(parcel);
  }

  end(reason: string): void {
    if (this.#state !== "open") return;
    this.#state = "ending";
    this.from.network.timeline.after(0, () => this.destroy(reason));
  }

  destroy(reason: string, malformed = false): void {
    if (this.#state === "closed") return;
    this.#shut();
    this.handler.closed(reason, malformed);
    this.#tellOther();
  }

  /** The process is gone. After a kill its kernel still closes the connection; after a power cut nobody says anything. */
  vanish(isSilent: boolean): void {
    if (this.#state === "closed") return;
    this.#shut();
    if (!isSilent) this.#tellOther();
  }

  #shut(): void {
    this.#state = "closed";
    this.#waiting = [];
    this.#stall?.();
  }

  /** The end comes behind everything that is under way, and not at all through a closed path. */
  #tellOther(): void {
    const { other, path } = this;
    if (other === undefined || !path.isOpen) return;
    this.#arriveAfter(path.travelMs(), () => other.from.run(() => other.destroy("closed by the other side")));
  }

  #hold(): void {
    this.path.wait(this);
    if (this.#stall === undefined) this.from.network.options.onWeather(this.path.closedBy, this.path);
    this.#giveUpLater();
  }

  /** What is not taken for long ends the connection. */
  #giveUpLater(): void {
    const { timeline, options } = this.from.network;
    this.#stall ??= timeline.after(options.stallMs, () => {
      this.from.run(() => this.destroy("stalled: nothing was taken"));
    });
  }

  #travel(parcel: Parcel): void {
    const { weather, rng } = this.path;
    const { onWeather } = this.from.network.options;
    const isSteady = STEADY.has(parcel.kind);
    if (!isSteady && weather.loss > 0 && rng.chance(weather.loss)) {
      this.#queuedBytes -= parcel.bytes.length;
      onWeather("loss", this.path);
      return;
    }
    if (!isSteady && weather.duplicate > 0 && rng.chance(weather.duplicate)) {
      onWeather("duplicate", this.path);
      this.#queuedBytes += parcel.bytes.length;
      this.#overtake(parcel);
    }
    if (!isSteady && weather.reorder > 0 && rng.chance(weather.reorder)) {
      onWeather("reorder", this.path);
      this.#overtake(parcel);
      return;
    }
    this.#arriveAfter(this.path.travelMs(), () => this.#arrive(parcel));
  }

  /** In the order of the sending. */
  #arriveAfter(delayMs: number, run: () => void): void {
    const { timeline } = this.from.network;
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, timeline.nowMs + delayMs);
    timeline.after(this.#lastArrivalMs - timeline.nowMs, run);
  }

  /** In any order, though never before the greeting. */
  #overtake(parcel: Parcel): void {
    const { timeline } = this.from.network;
    const earliestMs = Math.max(0, this.#lastArrivalMs - timeline.nowMs);
    const delayMs = this.path.travelMs() * (1 + 4 * this.path.rng.float());
    timeline.after(this.other?.handshaken === true ? delayMs : earliestMs + delayMs, () => this.#arrive(parcel));
  }

  #arrive(parcel: Parcel): void {
    const { other, from } = this;
    if (other === undefined) return;
    from.network.digest.word(this.path.number);
    from.network.digest.bytes(parcel.bytes);
    if (other.#state === "closed") return this.#unheard(other.from);
    other.from.run(() => {
      this.#queuedBytes -= parcel.bytes.length;
      other.#take(parcel.bytes);
    });
  }

  /** A machine without power takes nothing; one that has it again, or never lost it, says that it knows of no such connection. */
  #unheard(host: Endpoint): void {
    if (this.#state === "closed") return;
    const { network } = this.from;
    if (host.isSilent && !network.isReached(host.options.address)) return this.#giveUpLater();
    const back = network.path(host.name, this.from.name);
    if (!back.isOpen) return this.#giveUpLater();
    network.timeline.after(back.travelMs(), () => this.from.run(() => this.destroy("reset by the other side")));
  }

  #take(bytes: Uint8Array): void {
    if (this.#state === "closed") return;
    this.handshaken = true;
    try {
      this.#parser.push(bytes, (frame) => {
        if (this.#state === "open") this.handler.frame(frame);
      });
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.from.network.options.onMalformed(this.path, error.message);
      this.destroy(error.message, true);
    }
  }
}
