/** One life of a store on a simulated disk: random batches, with the disk answering in random order, until it ends by itself or at a step that was chosen. */
import { HASH_MAX, type Batch, type MetaWrite, type RecordWrite, type Rng } from "@kvorum/core";
import { openLog, run, type LogStorage, type Pace, type SimulatedDisk, type SimulatedDiskOptions } from "@kvorum/store";
import { SMALL } from "../log-on.js";
import { Model, shown, text, type Content } from "./model.js";

/** What the code of a life throws where the process ends. */
export class Ended extends Error {}

const PARTITIONS = 3;
const KEYS = ["a", "b", "c", "d", "e"].map((key) => Uint8Array.of(key.charCodeAt(0)));
/** Few, so that keys share hashes. */
const HASHES = [0n, 1n, 0x8000_0000_0000_0000n, HASH_MAX - 1n, HASH_MAX];
const NAMES = ["f", "g/1", "g/2"];

/** Answers of the disk that have not come, and runs that were put off: one at a time, in any order. */
export class Turns {
  readonly #waiting: (() => void)[] = [];

  constructor(readonly rng: Rng) {}

  add(run: () => void): void {
    this.#waiting.push(run);
  }

  /** Lets one thing happen; false where nothing waits. */
  turn(): boolean {
    const [next] = this.#waiting.splice(this.rng.below(Math.min(3, this.#waiting.length)), 1);
    next?.();
    return next !== undefined;
  }

  all(): void {
    while (this.turn());
  }

  until(condition: () => boolean): void {
    while (!condition()) if (!this.turn()) throw new Error("nothing happens any more");
  }
}

/** Options of a disk that ends its process at a step: `endAt` counts from its first. */
export function diskOptions(rng: Rng, turns: Turns, endAt: number): SimulatedDiskOptions {
  let step = 0;
  const onStep = (): void => {
    if (++step === endAt) throw new Ended();
  };
  return { rng, answer: (answer) => turns.add(answer), onStep };
}

export function open(disk: SimulatedDisk, turns: Turns, spaceTarget = 1.3): LogStorage {
  let opened: unknown;
  const defer = (later: () => void): void => turns.add(later);
  const pace: Pace = (_bytes, _haste, go) => turns.add(go);
  run(openLog({ ...SMALL, segmentBytes: 1_500, spaceTarget, disk, defer, pace }), (log) => (opened = log));
  turns.until(() => opened !== undefined);
  // Refused for want of room: that life ends before it began.
  if (opened === "full") throw new Ended();
  if (typeof opened === "string") throw new Error(`the store did not open: ${opened}`);
  return opened as LogStorage;
}

/** Everything in the store, by scanning; and it is checked that reading key by key and the index say the same. */
export function contentOf(storage: LogStorage, turns: Turns): Content {
  const content = new Map<string, string>();
  const marks = new Map<string, string[]>();
  const problems: string[] = [];
  let waiting = 0;
  for (let partition = 0; partition < PARTITIONS; partition++) {
    waiting += 2;
    storage.scanIndex(
      partition,
      0n,
      HASH_MAX,
      ({ hash, digest, mark, tag }) => {
        const at = `${partition}/${hash}`;
        marks.set(at, [...(marks.get(at) ?? []), ` ${digest} ${mark} ${tag}`]);
        return true;
      },
      ({ damaged }) => (damaged > 0 ? problems.push(`${damaged} damaged in the index`) : 0, waiting--),
    );
    storage.scan(
      partition,
      0n,
      HASH_MAX,
      ({ hash, key, value }) => {
        const said = marks.get(`${partition}/${hash}`)?.map((each) => text(value) + each) ?? [];
        content.set(`${partition}/${hash}/${text(key)}`, said.find((each) => each === ownMarks(value)) ?? "?");
        waiting++;
        storage.get({ partition, hash, key }, (outcome) => {
          if (outcome.kind !== "found" || text(outcome.value) !== text(value)) problems.push(`get ${outcome.kind}`);
          waiting--;
        });
        return true;
      },
      ({ damaged }) => (damaged > 0 ? problems.push(`${damaged} damaged`) : 0, waiting--),
    );
  }
  turns.until(() => waiting === 0);
  storage.scanMeta(
    "",
    (name, value) => content.set(`fact/${name}`, text(value)),
    () => {},
  );
  if (problems.length > 0) throw new Error(problems.join(", "));
  return content;
}

/** Values say what their marks are. */
function marksIn(value: string): { digest: bigint; mark: number; tag: number } {
  const number = Number(/[0-9]+/.exec(value)?.[0] ?? 0);
  return { digest: BigInt(number) * 0x1_0000_0001n, mark: number % 256, tag: number % 65_536 };
}

function ownMarks(value: Uint8Array): string {
  return shown(value, marksIn(text(value)));
}

export class Life {
  readonly #rng: Rng;
  #written = 0;
  acknowledged = 0;

  constructor(
    readonly storage: LogStorage,
    readonly model: Model,
    readonly turns: Turns,
    rng: Rng,
    readonly number: number,
  ) {
    this.#rng = rng;
  }

  /** Applies so many batches, with the disk answering in between. */
  play(batches: number): void {
    for (let i = 0; i < batches; i++) {
      this.#apply(this.#batch());
      for (let turns = this.#rng.below(12); turns > 0; turns--) this.turns.turn();
    }
  }

  #apply(batch: Batch): void {
    this.model.apply(batch);
    this.storage.apply(batch, (error) => {
      if (error === "full") return this.model.refused(batch);
      if (error !== undefined) return;
      this.model.settled(batch);
      this.acknowledged++;
    });
  }

  #batch(): Batch {
    const rng = this.#rng;
    const records: RecordWrite[] = [];
    const meta: MetaWrite[] = [];
    for (let count = rng.below(4); count > 0; count--) records.push(this.#record());
    if (rng.chance(0.25)) meta.push(this.#fact());
    return { records, meta, ...(rng.chance(0.03) && { drops: [rng.below(PARTITIONS)] }) };
  }

  #record(): RecordWrite {
    const rng = this.#rng;
    const address = { partition: rng.below(PARTITIONS), hash: rng.pick(HASHES), key: rng.pick(KEYS) };
    if (rng.chance(0.2)) return { ...address, value: undefined };
    const number = this.number * 10_000 + this.#written++;
    const padding = "-".repeat(rng.chance(0.1) ? rng.below(900) : rng.below(60));
    const value = Uint8Array.from(`${number}${padding}`, (character) => character.charCodeAt(0));
    return { ...address, value, ...marksIn(`${number}`) };
  }

  #fact(): MetaWrite {
    const rng = this.#rng;
    const name = rng.pick(NAMES);
    if (rng.chance(0.3)) return { name, value: undefined };
    return { name, value: Uint8Array.from(`${this.number}.${this.#written++}`, (c) => c.charCodeAt(0)) };
  }
}
