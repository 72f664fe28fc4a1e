/**
 * The power goes under a store that is written to: an ext4 image of its own is shut down in the midst of it, so that what was not flushed is lost with the
 * page cache, which kill -9 never does (TRAPS 31). What was acknowledged must be there. Skipped with a word where file systems can't be mounted.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { count } from "../../packages/core/test/counts.js";

const program = fileURLToPath(new URL("store.mjs", import.meta.url));
const IMAGE_MIB = 256;
/** EXT4_IOC_SHUTDOWN, without a last flush of the journal. */
const SHUTDOWN = `
import fcntl, os, struct, sys
folder = os.open(sys.argv[1], os.O_RDONLY)
fcntl.ioctl(folder, 0x8004587d, struct.pack("I", 2))
`;

let folder: string;
let mount: string;
let problem: string | undefined;

function command(name: string, ...args: readonly string[]): string | undefined {
  const { status, stderr, error } = spawnSync(name, args, { encoding: "utf8" });
  return status === 0 ? undefined : `${name}: ${error?.message ?? stderr.trim()}`;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kvorum-power-"));
  mount = join(folder, "disk");
  await mkdir(mount);
  const image = join(folder, "image");
  problem =
    command("truncate", "-s", `${IMAGE_MIB}M`, image) ??
    command("mkfs.ext4", "-q", "-F", image) ??
    command("mount", "-o", "loop", image, mount);
});

afterAll(async () => {
  if (problem === undefined) command("umount", "-l", mount);
  await rm(folder, { recursive: true, force: true });
});

/** A store in a process of its own on the mounted disk, and what it has acknowledged: each key's number, and the size of its value. */
class Store {
  readonly acknowledged = new Map<number, number>();
  readonly #child;
  readonly #answers = new Map<number, (result: unknown) => void>();
  #last = 0;

  constructor() {
    this.#child = spawn(process.execPath, [program, join(mount, "log"), "log"], { stdio: ["pipe", "pipe", "inherit"] });
    this.#child.stdin.on("error", () => undefined);
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      const { id, result } = JSON.parse(line) as { id: number; result: unknown };
      this.#answers.get(id)?.(result);
      this.#answers.delete(id);
    });
  }

  ready(): Promise<unknown> {
    return new Promise((resolve) => this.#answers.set(0, resolve));
  }

  ask(what: string, rest: object): Promise<unknown> {
    const id = ++this.#last;
    this.#child.stdin.write(`${JSON.stringify({ id, command: what, ...rest })}\n`);
    return new Promise((resolve) => this.#answers.set(id, resolve));
  }

  /** Keeps so many puts in flight, for as long as the process lives. */
  load(inFlight: number, next: () => number): void {
    const one = (): void => {
      const number = next();
      const size = 50 + ((number * 37) % 3_000);
      void this.ask("put", { number, size }).then((result) => {
        if (result === "durable") this.acknowledged.set(number, size);
        one();
      });
    };
    for (let i = 0; i < inFlight; i++) one();
  }

  stand(): void {
    this.#child.kill("SIGSTOP");
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exited;
  }
}

it(`loses nothing that was acknowledged in ${count(4, 60)} power cuts`, { timeout: 3_600_000 }, async ({ skip }) => {
  if (problem !== undefined) {
    console.log(`no power is cut here, for no file system can be mounted: ${problem}`);
    return skip();
  }
  const held = new Map<number, number>();
  let next = 0;
  let unacknowledged = 0;
  for (let round = 0; round < count(4, 60); round++) {
    const store = new Store();
    expect(await store.ready()).toBe("ready");
    const first = next;
    // Half of the keys are written once; the others again in every round, so that segments turn and merge.
    store.load(32, () => (next++ % 2 === 0 ? next : 1_000_000 + (next % 500)));
    await expect.poll(() => store.acknowledged.size, { timeout: 60_000, interval: 5 }).toBeGreaterThan(200);
    await sleep((round * 37) % 150);
    // It stands still first: between the shutdown and its end it could still acknowledge.
    store.stand();
    expect(command("python3", "-c", SHUTDOWN, mount)).toBe(undefined);
    // What it had said before it stood still may be on its way.
    await sleep(50);
    await store.kill();
    unacknowledged += next - first - store.acknowledged.size;
    for (const [number, size] of store.acknowledged) held.set(number, size);
    expect(command("umount", mount)).toBe(undefined);
    expect(command("mount", "-o", "loop", join(folder, "image"), mount)).toBe(undefined);
    await verify(held);
  }
  // Puts were under way when the power went: else the cuts proved nothing.
  expect(unacknowledged).toBeGreaterThan(count(4, 60));
});

async function verify(held: ReadonlyMap<number, number>): Promise<void> {
  const store = new Store();
  expect(await store.ready()).toBe("ready");
  const lost: string[] = [];
  await Promise.all(
    [...held].map(async ([number, size]) => {
      const found = await store.ask("get", { number });
      if (found !== size) lost.push(`${number}: ${JSON.stringify(found)}`);
    }),
  );
  await store.kill();
  expect(lost).toEqual([]);
}
