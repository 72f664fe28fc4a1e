/** What the store does when the disk does not: a full one, one whose flush fails, a slow one, and a process that is killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { count } from "../../packages/core/test/counts.js";

const program = fileURLToPath(new URL("store.mjs", import.meta.url));

type Result = string | number | { readonly records: number; readonly damaged: number };

/** A store in its own process, started through `wrapper` (strace, prlimit). */
class Store {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (result: Result) => void>();
  readonly ready: Promise<Result>;
  #last = 0;
  #gone = false;

  constructor(folder: string, engine: string, wrapper: readonly string[] = []) {
    const [command, ...args] = [...wrapper, process.execPath, program, folder, engine];
    // LMDB tells its errors on stderr too. strace counts calls by thread: with one, the nth flush is the nth flush.
    this.#child = spawn(command, args, {
      stdio: ["pipe", "pipe", "ignore"],
      env: { ...process.env, UV_THREADPOOL_SIZE: "1" },
    });
    // A killed child takes no more commands.
    this.#child.stdin?.on("error", () => undefined);
    this.ready = new Promise((resolve) => this.#waiting.set(0, resolve));
    this.#child.on("exit", () => {
      this.#gone = true;
      for (const resolve of this.#waiting.values()) resolve("gone");
    });
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on("line", (line) => {
      const { id, result } = JSON.parse(line) as { id: number; result: Result };
      this.#waiting.get(id)?.(result);
      this.#waiting.delete(id);
    });
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  ask(command: string, rest: object = {}): Promise<Result> {
    const id = ++this.#last;
    if (this.#gone) return Promise.resolve("gone");
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#child.stdin?.write(`${JSON.stringify({ id, command, ...rest })}\n`);
    });
  }

  put(number: number, size = 1000): Promise<Result> {
    return this.ask("put", { number, size });
  }

  get(number: number): Promise<Result> {
    return this.ask("get", { number });
  }

  async end(signal?: NodeJS.Signals): Promise<number | null> {
    const exited = once(this.#child, "exit");
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#child.exitCode;
    if (signal === undefined) this.#child.stdin?.end();
    else this.#child.kill(signal);
    const [code] = (await exited) as [number | null];
    return code;
  }
}

let folder: string;
let stores: Store[] = [];

async function startOn(engine: string, ...wrapper: string[]): Promise<Store> {
  const store = new Store(folder, engine, wrapper);
  stores.push(store);
  expect(await store.ready).toBe("ready");
  return store;
}

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kvorum-faults-"));
});

afterEach(async () => {
  for (const store of stores) await store.end("SIGKILL");
  stores = [];
  await rm(folder, { recursive: true });
});

/** The log's first segment and its manifest are flushed before anything is written. */
describe.each([
  ["log", 2],
  ["lmdb", 0],
])("the engine %s", (engine, flushesToOpen) => {
  const start = (...wrapper: string[]): Promise<Store> => startOn(engine, ...wrapper);

  it("refuses writes on a full disk, changes nothing by it, reads on, and takes writes again when there is room", async () => {
    // A disk of its own, seen by the child alone, with a ballast that the child can throw off.
    const mount = `mount -t tmpfs -o size=8m kvorum ${folder} && head -c 4000000 /dev/zero > ${folder}/ballast && exec "$@"`;
    const store = await start("unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh");
    const held = new Set<number>();
    const refused = new Set<number>();
    for (let round = 0; refused.size < 200; round++) {
      const batch = numbers(round * 20, round * 20 + 20);
      const results = await Promise.all(batch.map((number) => store.put(number, 100 + (number % 3000))));
      results.forEach((result, i) => (result === "durable" ? held : refused).add(batch[i] as number));
      for (const result of results) expect(["durable", "full"]).toContain(result);
    }
    expect(held.size).toBeGreaterThan(100);
    const check = async (): Promise<void> => {
      for (const number of held) expect(await store.get(number)).toBe(100 + (number % 3000));
      for (const number of refused) expect(await store.get(number)).toBe("absent");
    };
    await check();

    await store.ask("throwBallast");
    // All that was refused, and as much again over what was held: aborted transactions have left the free pages in order.
    for (const number of refused) {
      expect(await store.put(number, 100 + (number % 3000))).toBe("durable");
      held.add(number);
    }
    refused.clear();
    for (const number of held) expect(await store.put(number, 100 + (number % 3000))).toBe("durable");
    await check();
    expect(await store.ask("reopen")).toBe("reopened");
    await check();
  });

  it("takes nothing more after a failed flush, answers don't know for what was in it, and keeps what was acknowledged", async () => {
    const trace = ["strace", "--seccomp-bpf", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync"];
    const store = await start(...trace, "-e", `inject=fdatasync:error=EIO:when=${flushesToOpen + 2}`);
    expect(await store.put(1)).toBe("durable");
    expect(await store.ask("putTogether", { numbers: [1, 2], size: 2000 })).toBe("failed");
    // The kernel would say "ok" to a second flush; the store must not.
    expect(await store.put(3)).toBe("failed");
    expect(await store.get(1)).toBe("damaged");
    expect(await store.get(2)).toBe("damaged");
    // It came later, and was not taken.
    expect(await store.get(3)).toBe("absent");
    expect(await store.ask("scan", { number: 1 })).toEqual({ records: 0, damaged: 1 });
    expect(await store.ask("close")).toBe("closed");
    expect(await store.end()).toBe(0);

    const again = await start();
    // What was in the flush that failed may have reached the disk or not, but all of it or none.
    expect([
      [1000, "absent"],
      [2000, 2000],
    ]).toContainEqual([await again.get(1), await again.get(2)]);
    expect(await again.get(3)).toBe("absent");
    expect(await again.put(3)).toBe("durable");
  });

  it("acknowledges only after the flush, which is slow here", async () => {
    const delayMs = 300;
    const trace = ["strace", "--seccomp-bpf", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync"];
    const store = await start(...trace, "-e", `inject=fdatasync:delay_exit=${delayMs * 1000}`);
    for (let number = 0; number < 3; number++) {
      const before = performance.now();
      const durable = store.put(number);
      expect(await store.get(number)).toBe(1000);
      expect(performance.now() - before).toBeLessThan(delayMs);
      expect(await durable).toBe("durable");
      expect(performance.now() - before).toBeGreaterThanOrEqual(delayMs);
    }
  });

  it("has all it acknowledged after kill -9 in the midst of writes", async () => {
    const acknowledged: number[] = [];
    for (let round = 0; round < count(3, 8); round++) {
      const store = await start();
      const from = round * 10_000;
      for (const number of numbers(from, from + count(2_000, 5_000))) {
        void store.put(number, 1 + (number % 3000)).then((result) => result === "durable" && acknowledged.push(number));
      }
      await expect.poll(() => acknowledged.length, { interval: 1, timeout: 30_000 }).toBeGreaterThan(round * 100 + 300);
      await store.end("SIGKILL");
    }
    const store = await start();
    const lost: number[] = [];
    for (const number of acknowledged) if ((await store.get(number)) !== 1 + (number % 3000)) lost.push(number);
    expect(lost).toEqual([]);
  });
});

it("LMDB fences itself when the root could not be written, whatever the error", async () => {
  // The calls of the flushing thread: the first page and its root, then the second root.
  const trace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64"];
  const store = await startOn(
    "lmdb",
    ...trace,
    "-P",
    join(folder, "data.mdb"),
    "-e",
    "inject=pwrite64:error=ENOSPC:when=3+",
  );
  const results = [await store.put(1), await store.put(2), await store.put(3)];
  expect(results).toEqual(["durable", "failed", "failed"]);
  // Without a root nothing can be told, which is not the same as absent.
  expect(await Promise.all([store.get(1), store.get(2), store.get(3)])).toEqual(["damaged", "damaged", "damaged"]);
  expect(await store.ask("scan", { number: 1 })).toEqual({ records: 0, damaged: 1 });
  expect(await store.ask("close")).toBe("closed");
  expect(await store.end()).toBe(0);
});
