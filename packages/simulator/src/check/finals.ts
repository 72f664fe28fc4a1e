/** What each owner of each key holds when all is over, each asked by itself: a quorum would hide a bad replica (TRAPS 32). */
import { formatDot } from "@kvorum/core";
import type { GetCommand, KeyState, Message, Sibling } from "@kvorum/core";
import type { Operation, Returned } from "../history.js";
import type { Lens } from "../lens.js";
import type { World } from "../world/world.js";

/** One owner's word. */
export interface Holding {
  readonly body: Uint8Array;
  /** What lies on its disk, with what its clock lets it show no more. */
  readonly stored: Uint8Array | undefined;
  readonly state: KeyState;
  readonly versions: readonly Returned[];
}

export interface FinalKey {
  /** `bucket/key`. */
  readonly name: string;
  readonly bucket: string;
  readonly key: string;
  readonly lww: boolean;
  readonly operations: readonly Operation[];
  /** By owner. */
  readonly holdings: ReadonlyMap<string, Holding>;
  /** What all owners hold together, tombstones included. */
  readonly union: readonly Returned[];
}

/** An owner that could not say what it holds, and why. */
export interface Silence {
  readonly owner: string;
  readonly bucket: string;
  readonly key: string;
  readonly why: string;
}

export interface Finals {
  readonly keys: readonly FinalKey[];
  readonly silent: readonly Silence[];
}

const ANSWER_MS = 2_000;
/** An owner is asked for so many keys at a time, at most: members shed what is too much at once. */
const KEYS_AT_ONCE = 4;

/** Asks every owner of every key for what it holds itself, over the network as a client would. Lets time pass. */
export function readFinals(world: World, lens: Lens, keys: ReadonlyMap<string, readonly Operation[]>): Finals {
  const silent: Silence[] = [];
  const finals: FinalKey[] = [];
  const questions = [...keys].flatMap(([name, operations]) =>
    operations[0] === undefined ? [] : [{ name, operations }],
  );
  for (let at = 0; at < questions.length; at += KEYS_AT_ONCE) {
    const asked = questions
      .slice(at, at + KEYS_AT_ONCE)
      .map((question) => new FinalRead(world, lens, question, silent));
    world.until(() => asked.every(({ waiting }) => waiting === 0), ANSWER_MS * 2);
    finals.push(...asked.map((read) => read.final));
  }
  return { keys: finals, silent };
}

interface Question {
  readonly name: string;
  readonly operations: readonly Operation[];
}

/** One key, asked of each of its owners. */
class FinalRead {
  readonly #holdings = new Map<string, Holding>();
  waiting: number;

  constructor(
    readonly world: World,
    readonly lens: Lens,
    readonly question: Question,
    readonly silent: Silence[],
  ) {
    const { bucket, key } = this.#first;
    const owners = lens.owners(bucket, key);
    this.waiting = owners.length;
    const { id } = world.keyOf(bucket, key);
    const command: GetCommand = { kind: "get", id, r: undefined, sloppy: false, local: true, hops: 0 };
    for (const owner of owners) world.request("reader", owner, command, ANSWER_MS, (reply) => this.#take(owner, reply));
  }

  get final(): FinalKey {
    const { bucket, key, lww } = this.#first;
    const { name, operations } = this.question;
    const holdings = new Map([...this.#holdings].sort(([a], [b]) => (a < b ? -1 : 1)));
    return { name, bucket, key, lww, operations, holdings, union: unionOf([...holdings.values()]) };
  }

  get #first(): Operation {
    return this.question.operations[0] as Operation;
  }

  #take(owner: string, reply: Message | undefined): void {
    this.waiting--;
    const { bucket, key } = this.#first;
    const { name } = this.question;
    if (reply?.kind !== "got") return void this.silent.push({ owner, bucket, key, why: wordOf(reply) });
    const stored = this.lens.stored(owner, bucket, key)?.body;
    this.#holdings.set(owner, holdingOf(this.lens, name, reply.body, stored));
  }
}

function holdingOf(lens: Lens, name: string, body: Uint8Array, stored: Uint8Array | undefined): Holding {
  const state = lens.state(body);
  return { body, stored, state, versions: lens.versions(name, state) };
}

/** The versions that stand when all is merged: those that no owner has seen and does not have. Done here once more, by other means than core's. */
function unionOf(holdings: readonly Holding[]): readonly Returned[] {
  const byName = new Map<string, Returned>();
  for (const { state, versions } of holdings) {
    for (const sibling of state.siblings) {
      const { dot } = sibling;
      const name = formatDot(dot);
      const version = versions.find((each) => each.dot === name);
      const isReplaced = holdings.some(
        ({ state: other }) =>
          (other.vector.covers(dot) && !other.siblings.some((each) => formatDot(each.dot) === name)) ||
          isReplacedTwin(other, sibling),
      );
      if (version !== undefined && !isReplaced) byName.set(`${name} ${version.tag}`, version);
    }
  }
  return [...byName.values()];
}

/** A write that was minted twice is one write: who wrote over the other copy of it has replaced this one too, once the two meet. */
function isReplacedTwin(state: KeyState, { operation, dot }: Sibling): boolean {
  if (operation === undefined) return false;
  const twins = state.operations.withId(operation.id).filter((past) => formatDot(past.dot) !== formatDot(dot));
  return twins.some((twin) => state.siblings.some(({ clock }) => clock.covers(twin.dot)));
}

function wordOf(reply: Message | undefined): string {
  if (reply === undefined) return "no answer";
  return reply.kind === "failed" ? reply.failure.code : reply.kind;
}
