/**
 * A cluster's world as clients, checkers and scenarios see it: virtual time, members that can be asked and hurt, and what is on their disks.
 * The implementation is simulated-world.ts; the members are the nodes that ship (DESIGN §2).
 */
import type { GetCommand, KeyId, Message, Node, Plant, Primitives, PutCommand, Rng } from "@kvorum/core";
import type { Weather } from "./path.js";

/** `kill`: the process ends, what it wrote stays. `power`: of what was not flushed a random prefix of batches stays. */
export type CrashKind = "kill" | "power";

/** What happens in a world, for aiming faults, for checkers, for the story. Names are members' unless said otherwise. */
export type WorldEvent =
  /** The coordinator of a write called it done, to a client or to the member that passed it on; its word has just left. */
  | {
      readonly kind: "acknowledged";
      readonly node: string;
      readonly to: string;
      readonly message: PutCommand;
      readonly needed: number;
      readonly received: number;
      /** The token of the answer's causal context. */
      readonly context: Uint8Array;
    }
  /** A client command reached a member. */
  | {
      readonly kind: "asked";
      readonly node: string;
      readonly client: string;
      readonly message: GetCommand | PutCommand;
    }
  /** A flush has begun, or ended with `batches` of them proven. */
  | { readonly kind: "flushing"; readonly node: string; readonly batches: number }
  | { readonly kind: "flushed"; readonly node: string; readonly batches: number }
  /** Another member's state reached a replica, which has begun to merge it. */
  | { readonly kind: "merging"; readonly node: string; readonly from: string; readonly id: Uint8Array }
  /** A member's ring became another one. */
  | { readonly kind: "ring"; readonly node: string; readonly version: string }
  /** A member that was asked to leave holds nothing any more; its process ends with this. */
  | { readonly kind: "departed"; readonly node: string }
  | { readonly kind: "up"; readonly node: string; readonly boot: number }
  | { readonly kind: "down"; readonly node: string; readonly how: string }
  /**
   * A member's node said that it can't go on; the world starts it again, as an operator would: on an empty disk where it says so because
   * something was damaged (`cause: "damage"`).
   */
  | { readonly kind: "fatal"; readonly node: string; readonly cause: string; readonly reason: string }
  /** An exception left the node's code: always a bug. */
  | { readonly kind: "thrown"; readonly node: string; readonly error: string }
  | { readonly kind: "fault"; readonly fault: string; readonly node: string; readonly about: string }
  | {
      readonly kind: "log";
      readonly node: string;
      readonly level: string;
      readonly text: string;
      readonly about: Readonly<Record<string, unknown>>;
    };

export type WorldListener = (event: WorldEvent) => void;

export interface World {
  readonly primitives: Primitives;
  /** Known bugs that were planted, in nodes and in clients. */
  readonly plants: ReadonlySet<Plant>;
  readonly nowMs: number;
  /** A stream of random numbers that depends on the seed and on `meaning` alone. */
  rng(meaning: string): Rng;
  /** Calls `run` after so many virtual milliseconds. The returned function cancels. */
  after(delayMs: number, run: () => void): () => void;
  /** Lets virtual time pass. Not to be called from inside an event. */
  run(forMs: number): void;
  /** Lets time pass until `condition` holds, which is looked at every `everyMs` (1); false when it did not within `limitMs`. */
  until(condition: () => boolean, limitMs: number, everyMs?: number): boolean;

  /** All members that were ever started, dead or alive, in the order of their names. */
  readonly names: readonly string[];
  /** Those of them that have not departed. */
  readonly standing: readonly string[];
  /** Its process runs (perhaps paused) and its node has taken up its place. */
  isUp(name: string): boolean;
  /** The running node; undefined while it is dead or starting. Look, don't touch. */
  node(name: string): Node | undefined;
  keyOf(bucket: string, key: string): KeyId;
  /** The raw record (record codec) that is proven on disk, dead or alive; undefined where there is none. */
  flushed(name: string, bucket: string, key: string): Uint8Array | undefined;
  /** The raw record that a read of the disk would find now, flushed or not. */
  stored(name: string, bucket: string, key: string): Uint8Array | undefined;

  /**
   * Sends a client's command over a simulated link to a member. `done` comes once: with the reply, or with undefined when the
   * connection broke or `timeoutMs` passed (the outcome is then unknown).
   */
  request(
    client: string,
    node: string,
    message: GetCommand | PutCommand,
    timeoutMs: number,
    done: (reply: Message | undefined) => void,
  ): void;

  /** Starts a member that never was, or one that is dead; with an empty disk it joins, trying again until it is taken. */
  start(name: string): void;
  /** A member has left, or was removed: settling and healing wait for it no more, and nobody starts it again. */
  depart(name: string): void;
  /** An operator asks `by` to let the member leave: it moves its data, then departs by itself. */
  leave(name: string, by: string): void;
  /** An operator has `by` remove the member, whether it seems to live or not: it departs at once. */
  remove(name: string, by: string): void;
  crash(name: string, how: CrashKind): void;
  /** A clean stop: requests finish, then the process ends. */
  stop(name: string): void;
  /** The process stands still for so long; what reaches it waits. */
  pause(name: string, forMs: number): void;
  /** A dead member's disk is emptied. */
  wipe(name: string): void;
  /** A dead member's folder is copied; and later, when it is dead again, that copy is put back in place of what lies there. False without one. */
  takeCopy(name: string): void;
  putBack(name: string): boolean;
  /** What `from` sends does not reach `to`; `both`: nor the other way round. Clients can be cut off too. The returned function heals it. */
  partition(from: readonly string[], to: readonly string[], direction: "one-way" | "both"): () => void;
  /** What `from` sends to `to` stands still, too short for anybody to give up; the returned function ends it. */
  clog(from: readonly string[], to: readonly string[]): () => void;
  /** What `from` sends to `to` is lost, doubled, overtaken or late; the returned function ends it. */
  storm(from: readonly string[], to: readonly string[], weather: Partial<Weather>): () => void;
  /** All links work again and lose nothing, clocks are right, disks are healthy, nobody is paused; dead members stay dead. */
  healAll(): void;
  /** A member's wall clock jumps by so much; its monotonic clock does not. */
  skew(name: string, byMs: number): void;
  /** Flips a bit of a stored record; false where there is none. */
  damage(name: string, bucket: string, key: string): boolean;
  /**
   * Flips a bit of a named fact, such as the identity; `pick` (0 to 1) chooses. A node that refuses its folder for it gets an empty one from
   * its operator. False where there was none to flip.
   */
  damageFact(name: string, pick: number): boolean;
  /** Writes fail for want of space until it is called with false. */
  fillDisk(name: string, full: boolean): void;
  /** The next flush fails. */
  failFlush(name: string): void;
  /** Reads and flushes take so many times as long; 1 is healthy. */
  slowDisk(name: string, factor: number): void;

  /** Hears of every event; the returned function ends that. */
  on(listener: WorldListener): () => void;
  /** By kind, how often a fault had an effect. */
  readonly faults: ReadonlyMap<string, number>;
  /** The largest that ever was, in bytes: a connection's queue, a frame. */
  readonly peaks: { readonly queueBytes: number; readonly frameBytes: number };
}
