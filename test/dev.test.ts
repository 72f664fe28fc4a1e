/** `kvorum dev`, and the README's first minute on it as printed: only the ports are others, since 7400 may be somebody's. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Http, kv } from "./support/http.js";
import { freePortBase } from "./support/node.js";
import { kvorum, spawnKvorum } from "./support/program.js";
import { until } from "./support/until.js";

/** `kvorum dev` while it runs. */
class Dev {
  readonly lines: string[] = [];
  readonly words: string[] = [];
  readonly child: ChildProcessWithoutNullStreams;

  constructor(args: readonly string[]) {
    this.child = spawnKvorum(["dev", ...args]);
    let text = "";
    this.child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      this.lines.splice(0, this.lines.length, ...text.split("\n").slice(0, -1));
    });
    this.child.stderr.on("data", (chunk: Buffer) => this.words.push(chunk.toString()));
  }

  async ready(): Promise<void> {
    await until("dev is ready", () => {
      if (this.lines.at(-1) === "ready") return true;
      throw new Error(this.words.join(""));
    });
  }

  async stop(signal: NodeJS.Signals): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode;
    const ended = once(this.child, "exit") as Promise<[number | null]>;
    this.child.kill(signal);
    const [code] = await ended;
    return code;
  }
}

async function nobodyAnswers(base: number): Promise<void> {
  for (const port of [base, base + 10, base + 20]) {
    await expect(new Http("127.0.0.1", port).get("/health/live")).rejects.toThrow("ECONNREFUSED");
  }
}

describe("the README's first minute", () => {
  let base: number;
  let dev: Dev;
  beforeAll(async () => {
    base = await freePortBase(22);
    dev = new Dev(["--port-base", String(base)]);
    await dev.ready();
  });
  afterAll(() => dev.stop("SIGKILL"));

  it("dev prints one line per node and then ready, and says where the data is", () => {
    expect(dev.lines.length).toBe(4);
    for (const [i, name] of ["n1", "n2", "n3"].entries()) {
      expect(dev.lines[i]).toContain(name);
      expect(dev.lines[i]).toContain(String(base + 10 * i));
    }
    expect(dev.words.join("")).toContain(tmpdir());
  });

  /** The commands of its second block, with what each is said to do. */
  async function commandsOf(start: string): Promise<string[]> {
    const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
    const blocks = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block as string);
    const lines = blocks.flatMap((block) => block.split("\n")).filter((line) => line.startsWith(start));
    return lines.map((line) =>
      line.replace(/\s+#.*$/, "").replaceAll(/:74([0-9])0/g, (_, i) => `:${base + 10 * Number(i)}`),
    );
  }

  /** As a shell would run it. */
  async function shell(line: string): ReturnType<typeof kvorum> {
    const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? (plain as string));
    expect(words.slice(0, 2)).toEqual(["npx", "kvorum"]);
    return await kvorum(words.slice(2), { env: { KVORUM_URL: `http://127.0.0.1:${base}` } });
  }

  it("works as printed: two writes, both versions shown, merged, one version from every node", async () => {
    const commands = await commandsOf("npx kvorum");
    const starts = commands.map((line) => line.split(" ")[2]);
    expect(starts.slice(0, 6)).toEqual(["put", "put", "get", "resolve", "get", "explain"]);
    const codes: (number | null)[] = [];
    const outputs: string[] = [];
    for (const line of commands.slice(0, 6)) {
      const { code, stdout, stderr } = await shell(line);
      codes.push(code);
      outputs.push(stdout.toString() + stderr);
    }
    expect(codes, outputs.join("\n")).toEqual([0, 0, 4, 0, 0, 0]);
    expect(outputs[2]).toContain("book");
    expect(outputs[2]).toContain("pen");
    expect(JSON.parse(outputs[4] as string)).toEqual({ book: 1, pen: 2 });
    for (const name of ["n1", "n2", "n3"]) expect(outputs[5]).toContain(name);
  });

  it("killing one node leaves the others serving, as it says; stopping dev stops them all", async () => {
    const two = [0, 2].map((i) => new Http("127.0.0.1", base + 10 * i));
    expect((await (two[0] as Http).put(kv("carts", "bob"), "x")).status).toBe(204);
    expect(await dev.stop("SIGTERM")).toBe(0);
    await nobodyAnswers(base);
  });
});

describe("dev --data", () => {
  it("keeps the data: the next start has it, on Ctrl-C too", async () => {
    const data = await mkdtemp(join(tmpdir(), "kvorum-dev-test-"));
    const base = await freePortBase(12);
    const args = ["--nodes", "2", "--data", data, "--port-base", String(base)];
    try {
      for (const round of [0, 1]) {
        const dev = new Dev(args);
        try {
          await dev.ready();
          const http = new Http("127.0.0.1", base + 10);
          if (round === 0) expect((await http.put(kv("kept", "k"), "v")).status).toBe(204);
          else expect((await http.get(kv("kept", "k"))).body.toString()).toBe("v");
          expect(await dev.stop("SIGINT")).toBe(0);
        } finally {
          await dev.stop("SIGKILL");
        }
      }
    } finally {
      await rm(data, { recursive: true, force: true });
    }
  });
});
