/**
 * A disk that does everything that disks do: what was not flushed is lost with the power, sector by sector and in any order; names and renames that were not
 * flushed come and go; writes end short where the room ends; a flush fails once and then says "ok". For tests and the simulator.
 */
import type { Rng } from "@kvorum/core";
import type { Disk, DiskError, DiskFile, Done, Unlock } from "./disk.js";

const SECTOR_BYTES = 512;

export interface SimulatedDiskOptions {
  readonly rng: Rng;
  /** Has an answer come: at once, or when the disk gets to it. */
  readonly answer: (run: () => void) => void;
  /** Called before each step that changes something; may end the process there by throwing. */
  readonly onStep?: (step: string) => void;
}

/** What lies on the disk under some name, or under none any more while it is open. */
class Inode {
  bytes = new Uint8Array(256);
  length = 0;
  /** Up to here no power cut takes anything. */
  proven = 0;
  /** What was cut off and would be there again if the cut is lost. */
  cutOff = new Uint8Array(0);
  /** Stretches whose flush failed: the kernel has dropped them, and a later flush says nothing of them. */
  #dropped: { from: number; to: number }[] = [];

  append(more: Uint8Array): void {
    const needed = this.length + more.length;
    if (needed > this.bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
    }
    this.bytes.set(more, this.length);
    this.length = needed;
  }

  truncate(length: number): void {
    if (length >= this.length) return;
    if (length < this.proven) {
      this.cutOff = this.bytes.slice(length, this.proven);
      this.proven = length;
    }
    this.length = length;
    this.#dropped = this.#dropped
      .map(({ from, to }) => ({ from, to: Math.min(to, length) }))
      .filter(({ from, to }) => from < to);
  }

  /** A flush that fails. */
  drop(): void {
    this.#dropped.push({ from: this.proven, to: this.length });
  }

  flush(): void {
    this.proven = this.length;
    this.cutOff = new Uint8Array(0);
  }

  /** What the power leaves: the proven bytes, and of each sector behind them what was there before or what was to be. */
  losePower(rng: Rng): void {
    const written = this.bytes.slice(this.proven, this.length);
    const before = this.cutOff;
    const length = rng.chance(0.5) ? Math.max(written.length, before.length) : rng.below(written.length + 1);
    const left = new Uint8Array(rng.chance(0.5) ? length : Math.max(length, before.length));
    left.set(before.subarray(0, left.length));
    for (let at = 0; at < Math.min(written.length, left.length); at += SECTOR_BYTES) {
      const end = Math.min(at + SECTOR_BYTES, written.length, left.length);
      if (rng.chance(0.6)) left.set(written.subarray(at, end), at);
      else if (rng.chance(0.1) && written.length > SECTOR_BYTES) left.set(sector(written, rng, end - at), at);
    }
    this.length = this.proven;
    this.append(left);
    this.flush();
    for (const { from, to } of this.#dropped) if (rng.chance(0.7)) this.bytes.fill(0, from, Math.min(to, this.length));
    this.#dropped = [];
  }

  copy(): Inode {
    const copy = new Inode();
    copy.append(this.bytes.subarray(0, this.length));
    copy.proven = this.proven;
    copy.#dropped = [...this.#dropped];
    copy.cutOff = this.cutOff.slice();
    return copy;
  }
}

/** Bytes of another place in the same write: one that went astray. */
function sector(written: Uint8Array, rng: Rng, length: number): Uint8Array {
  const from = rng.below(Math.max(1, written.length - length));
  return written.slice(from, from + length);
}

export class SimulatedDisk implements Disk {
  /** What programs see, and what is on the disk for certain. */
  #names = new Map<string, Inode>();
  #proven = new Map<string, Inode>();
  readonly #linked = new Map<string, Map<string, Inode>>();
  #isLocked = false;
  /** Bytes that fit. */
  capacity = Number.POSITIVE_INFINITY;
  failNextFlush = false;
  /** Steps that changed something. */
  steps = 0;

  constructor(
    readonly options: SimulatedDiskOptions,
    names: ReadonlyMap<string, Inode> = new Map(),
  ) {
    this.#names = new Map(names);
    this.#proven = new Map(names);
  }

  get usedBytes(): number {
    let used = 0;
    for (const { length } of this.#names.values()) used += length;
    return used;
  }

  list(done: (names: readonly string[] | undefined) => void): void {
    this.#answer(() => done([...this.#names.keys()].sort()));
  }

  open(name: string, done: (file: DiskFile | "absent" | "failed") => void): void {
    const inode = this.#names.get(name);
    this.#answer(() => done(inode === undefined ? "absent" : new SimulatedFile(this, inode, name)));
  }

  create(name: string, done: (file: DiskFile | DiskError) => void): void {
    this.step(`create ${name}`);
    if (this.usedBytes >= this.capacity) return this.#answer(() => done("full"));
    const inode = new Inode();
    this.#names.set(name, inode);
    this.#answer(() => done(new SimulatedFile(this, inode, name)));
  }

  rename(from: string, to: string, done: Done): void {
    this.step(`rename ${from} ${to}`);
    const inode = this.#names.get(from);
    if (inode === undefined) return this.#answer(() => done("failed"));
    this.#names.delete(from);
    this.#names.set(to, inode);
    this.#answer(() => done(undefined));
  }

  link(name: string, folder: string, done: Done): void {
    const inode = this.#names.get(name);
    if (inode === undefined) return this.#answer(() => done("failed"));
    const other = this.#linked.get(folder) ?? new Map<string, Inode>();
    this.#linked.set(folder, other.set(name, inode));
    this.#answer(() => done(undefined));
  }

  remove(name: string, done: Done): void {
    this.step(`remove ${name}`);
    this.#names.delete(name);
    this.#answer(() => done(undefined));
  }

  flushFolder(done: Done): void {
    this.step("flush the folder");
    this.#proven = new Map(this.#names);
    this.#answer(() => done(undefined));
  }

  freeBytes(done: (bytes: number | undefined) => void): void {
    this.#answer(() => done(Math.max(0, this.capacity - this.usedBytes)));
  }

  lock(done: (unlock: Unlock | undefined) => void): void {
    if (this.#isLocked) return this.#answer(() => done(undefined));
    this.#isLocked = true;
    const unlock: Unlock = (unlocked) => {
      this.#isLocked = false;
      unlocked();
    };
    this.#answer(() => done(unlock));
  }

  /** The folder that {@link link} made names in, as a disk of its own. */
  folder(name: string, options: SimulatedDiskOptions): SimulatedDisk {
    return new SimulatedDisk(options, this.#linked.get(name));
  }

  /** A process died: what it wrote stays as it is, flushed or not. */
  killed(options: SimulatedDiskOptions): SimulatedDisk {
    const disk = new SimulatedDisk(options, this.#names);
    disk.#proven = new Map(this.#proven);
    disk.capacity = this.capacity;
    return disk;
  }

  /** The power went: of names and bytes that were not flushed some are there and some are not. */
  cut(options: SimulatedDiskOptions): SimulatedDisk {
    const { rng } = options;
    const names = new Map<string, Inode>();
    for (const name of new Set([...this.#proven.keys(), ...this.#names.keys()])) {
      const [before, now] = [this.#proven.get(name), this.#names.get(name)];
      const left = before === now || rng.chance(0.5) ? now : before;
      if (left !== undefined) names.set(name, left);
    }
    const copies = new Map<Inode, Inode>();
    for (const inode of new Set(names.values())) {
      const copy = inode.copy();
      copy.losePower(rng);
      copies.set(inode, copy);
    }
    const disk = new SimulatedDisk(
      options,
      new Map([...names].map(([name, inode]) => [name, copies.get(inode) as Inode])),
    );
    disk.capacity = this.capacity;
    return disk;
  }

  /** A copy that nothing done to this one changes. */
  copy(options: SimulatedDiskOptions): SimulatedDisk {
    const inodes = new Set([...this.#names.values(), ...this.#proven.values()]);
    const copies = new Map([...inodes].map((inode) => [inode, inode.copy()]));
    const copied = (names: ReadonlyMap<string, Inode>): Map<string, Inode> =>
      new Map([...names].map(([name, inode]) => [name, copies.get(inode) as Inode]));
    const disk = new SimulatedDisk(options, copied(this.#names));
    disk.#proven = copied(this.#proven);
    disk.capacity = this.capacity;
    return disk;
  }

  /** The bytes under a name, to look at and to damage. */
  bytes(name: string): Uint8Array | undefined {
    const inode = this.#names.get(name);
    return inode?.bytes.subarray(0, inode.length);
  }

  get names(): readonly string[] {
    return [...this.#names.keys()].sort();
  }

  /** Cuts a file behind the back of whoever uses it. */
  shorten(name: string, length: number): void {
    const inode = this.#names.get(name);
    if (inode === undefined) return;
    inode.truncate(length);
    inode.flush();
  }

  step(what: string): void {
    this.steps++;
    this.options.onStep?.(what);
  }

  #answer(run: () => void): void {
    this.options.answer(run);
  }
}

class SimulatedFile implements DiskFile {
  constructor(
    readonly disk: SimulatedDisk,
    readonly inode: Inode,
    readonly name: string,
  ) {}

  append(bytes: Uint8Array, done: Done): void {
    const { disk, inode } = this;
    const room = disk.capacity - disk.usedBytes;
    // In two parts, so that a process can end with one of them written.
    const half = bytes.length >>> 1;
    inode.append(bytes.subarray(0, Math.min(half, Math.max(0, room))));
    disk.step(`append to ${this.name}`);
    inode.append(bytes.subarray(half, Math.min(bytes.length, Math.max(half, room))));
    disk.options.answer(() => done(room < bytes.length ? "full" : undefined));
  }

  read(at: number, length: number, done: (bytes: Uint8Array | undefined) => void): void {
    const { inode } = this;
    const bytes = inode.bytes.slice(at, Math.min(at + length, inode.length));
    this.disk.options.answer(() => done(bytes));
  }

  flush(done: Done): void {
    const { disk, inode } = this;
    disk.step(`flush ${this.name}`);
    if (disk.failNextFlush) {
      // The kernel drops the pages and remembers nothing: they are read as they were written until the memory is needed for something else.
      disk.failNextFlush = false;
      inode.drop();
      disk.options.answer(() => done("failed"));
      return;
    }
    inode.flush();
    disk.options.answer(() => done(undefined));
  }

  truncate(length: number, done: Done): void {
    this.disk.step(`cut ${this.name}`);
    this.inode.truncate(length);
    this.disk.options.answer(() => done(undefined));
  }

  size(done: (bytes: number | undefined) => void): void {
    this.disk.options.answer(() => done(this.inode.length));
  }

  close(done: () => void): void {
    this.disk.options.answer(done);
  }
}
