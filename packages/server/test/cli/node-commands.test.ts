/** `start`, `dev`, `config`, `bench`, and how mistakes in using any command are told: one clear line and the exit codes of CONTRACT §2. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { RunningNode } from "../../src/runtime/run-node.js";
import type { NodeConfig } from "../../src/config/schema.js";
import { ConfigError } from "../../src/config/config-error.js";
import { DataFolderError } from "../../src/data-folder/errors.js";
import { StorageError } from "../../src/runtime/storage-error.js";
import { plansOf } from "../../src/cli/commands/dev.js";
import { CliProcess, runCli } from "./run-cli.js";

const commands =
  "dev start config put get delete keys resolve conflicts status ring members explain import export bench".split(" ");

describe("usage", () => {
  test("--help and --version answer everywhere, on stdout, with 0, whatever arguments are missing", async () => {
    for (const command of [[], ...commands.map((name) => [name])]) {
      const help = await runCli([...command, "--help"]);
      expect([help.exit, help.err]).toEqual([0, ""]);
      expect(help.out).toContain(`Usage: kvorum${command.length > 0 ? ` ${command[0]}` : ""}`);
      const version = await runCli([...command, "--version"]);
      expect([version.exit, version.err]).toEqual([0, ""]);
      expect(version.out).toMatch(/^\d+\.\d+\.\d+\n$/);
    }
  });

  test("every command takes an unknown flag for what it is: exit 2, one line that names it", async () => {
    for (const command of commands) {
      const { exit, out, err } = await runCli([command, "--gossip-intervall", "1s"]);
      expect([exit, out]).toEqual([2, ""]);
      expect(err).toMatch(new RegExp(`^kvorum ${command}: unknown option '--gossip-intervall'.*--help\n$`));
    }
  });

  test.each([
    [["frobnicate"], "kvorum: unknown command 'frobnicate'; see kvorum --help\n"],
    [["get", "b"], "kvorum get: missing required argument 'key'; see kvorum get --help\n"],
    [
      ["get", "a", "b", "c"],
      "kvorum get: too many arguments for 'get'. Expected 2 arguments but got 3.; see kvorum get --help\n",
    ],
  ])("%j", async (args, line) => {
    expect(await runCli(args)).toMatchObject({ exit: 2, out: "", err: line });
  });

  test("wrong usage is a problem on stdout with --json", async () => {
    expect((await runCli(["get", "b", "--json"])).json).toMatchObject({ type: "urn:kvorum:usage" });
  });

  test("no command: the help, as words, and exit 2", async () => {
    const { exit, out, err } = await runCli([]);
    expect([exit, out]).toEqual([2, ""]);
    expect(err).toContain("Usage: kvorum");
  });
});

class FakeNode implements RunningNode {
  readonly httpAddress = "127.0.0.1:7400";
  readonly peerAddress = "127.0.0.1:7401";
  stopped = 0;
  fail!: (error: Error) => void;
  readonly failed = new Promise<Error>((resolve) => (this.fail = resolve));
  depart!: (how: "departed") => void;
  readonly departed = new Promise<"departed">((resolve) => (this.depart = resolve));
  async stop(): Promise<void> {
    this.stopped++;
  }
}

describe("start", () => {
  const args = ["start", "--name", "n1", "--data", "/d"];

  test("the flags reach the node; ready goes to stdout; SIGTERM stops it and exits 0", async () => {
    const node = new FakeNode();
    let config: NodeConfig | undefined;
    const runNode = async (given: NodeConfig) => ((config = given), node);
    const seeds = ["--seeds", "a:1,b:2", "--seeds", "c:3"];
    const process = new CliProcess([...args, ...seeds, "--no-read-repair", "--hint-ttl", "1h"], {
      services: { runNode },
      env: { KVORUM_NO_HINTS: "true" },
    });
    await vi.waitFor(() => expect(process.out).toBe("ready n1 http://127.0.0.1:7400 peer 127.0.0.1:7401\n"));
    expect(config).toMatchObject({
      name: "n1",
      readRepair: false,
      hints: false,
      antiEntropy: true,
      hintTtlMs: 3_600_000,
    });
    expect(config?.seeds.map(({ port }) => port)).toEqual([1, 2, 3]);
    process.signals.send();
    expect((await process.done).exit).toBe(0);
    expect(node.stopped).toBe(1);
  });

  test("a node that has left its cluster is stopped, and its process exits 0", async () => {
    const node = new FakeNode();
    const process = new CliProcess(args, { services: { runNode: async () => node } });
    await vi.waitFor(() => expect(process.out).toContain("ready"));
    node.depart("departed");
    expect(await process.done).toMatchObject({ exit: 0 });
    expect(node.stopped).toBe(1);
  });

  test("a second signal ends the process at once with 1", async () => {
    const node = new FakeNode();
    node.stop = () => new Promise(() => undefined);
    const process = new CliProcess(args, { services: { runNode: async () => node } });
    await vi.waitFor(() => expect(process.out).toContain("ready"));
    process.signals.send();
    expect(process.signals.exits).toEqual([]);
    process.signals.send();
    expect(process.signals.exits).toEqual([1]);
  });

  test("a signal while it starts stops what comes of it", async () => {
    const node = new FakeNode();
    let arrive!: (node: FakeNode) => void;
    const runNode = () => new Promise<FakeNode>((resolve) => (arrive = resolve));
    const process = new CliProcess(args, { services: { runNode } });
    await vi.waitFor(() => expect(arrive).toBeDefined());
    process.signals.send();
    arrive(node);
    expect(await process.done).toMatchObject({ exit: 0, out: "" });
    expect(node.stopped).toBe(1);
  });

  test.each([
    [new ConfigError("--http is taken"), 2],
    [new DataFolderError("/d is in use by process 7"), 5],
    [new StorageError("the disk failed"), 5],
    [new Error("no luck"), 1],
  ])("%s gives its exit code and its one line, before and after ready", async (error, exit) => {
    const before = await runCli(args, { services: { runNode: () => Promise.reject(error) } });
    expect(before).toMatchObject({ exit, out: "", err: `kvorum start: ${error.message}\n` });
    const node = new FakeNode();
    const process = new CliProcess(args, { services: { runNode: async () => node } });
    await vi.waitFor(() => expect(process.out).toContain("ready"));
    node.fail(error);
    expect(await process.done).toMatchObject({ exit, err: `kvorum start: ${error.message}\n` });
  });

  test("a bad value or an unknown variable stops it with 2 and one line", async () => {
    const bad = await runCli([...args, "--gossip-interval", "fast"]);
    expect([bad.exit, bad.err]).toEqual([
      2,
      'kvorum start: --gossip-interval is "fast": a duration such as 200ms, 10s or 3h, from 10ms to 1h\n',
    ]);
    const unknown = await runCli(args, { env: { KVORUM_GOSIP: "1" } });
    expect([unknown.exit, unknown.err.trim().split("\n").length]).toEqual([2, 1]);
    expect((await runCli(["start", "--name", "n1"])).err).toContain("data is missing: give --data");
  });

  test("with its parent gone it stops: nobody outlives a dev that was killed", async () => {
    const node = new FakeNode();
    const stdin = new PassThrough();
    const process = new CliProcess([...args, "--exit-with-parent"], { services: { runNode: async () => node }, stdin });
    await vi.waitFor(() => expect(process.out).toContain("ready"));
    stdin.end();
    expect((await process.done).exit).toBe(0);
    expect(node.stopped).toBe(1);
  });
});

test("config shows each value and its origin", async () => {
  const env = { KVORUM_ZONE: "z" };
  const { exit, out } = await runCli(["config", "--name", "n1", "--data", "/d"], { env });
  expect(exit).toBe(0);
  expect(out).toMatch(/^name +n1 +--name$/m);
  expect(out).toMatch(/^zone +z +KVORUM_ZONE$/m);
  const json = (await runCli(["config", "--name", "n1", "--data", "/d", "--json"])).json;
  expect(json).toMatchObject({ "gossip-interval": { value: "1s", origin: "default" } });
});

describe("dev", () => {
  let folder: string;
  let script: string;
  /** A stand-in for `kvorum start`: says ready, ends on SIGTERM and when stdin ends; told by a file to fail. */
  const fakeStart = `
    import { existsSync, writeFileSync } from "node:fs";
    const args = process.argv.slice(2);
    const of = (flag) => args[args.indexOf(flag) + 1];
    const [name, home] = [of("--name"), process.env.FAKE_HOME];
    writeFileSync(home + "/" + name + ".args", JSON.stringify({ args, zone: process.env.KVORUM_ZONE, pid: process.pid }));
    if (existsSync(home + "/fail-" + name)) {
      console.error("kvorum start: --http 127.0.0.1:1 is taken");
      process.exit(2);
    }
    process.on("SIGTERM", () => process.exit(0));
    process.stdin.on("end", () => process.exit(0)).resume();
    console.log("ready " + name);
  `;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "kvorum-dev-test-"));
    script = join(folder, "fake-start.mjs");
    writeFileSync(script, fakeStart);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function dev(args: readonly string[]): CliProcess {
    return new CliProcess(["dev", ...args], {
      services: { startCommand: [process.execPath, script] },
      env: { FAKE_HOME: folder, KVORUM_ZONE: "of one node" },
    });
  }
  const argsOf = (name: string) =>
    JSON.parse(readFileSync(join(folder, `${name}.args`), "utf8")) as { args: string[]; zone?: string; pid: number };

  test("one line per node when all are ready, then ready; SIGTERM stops all and exits 0", async () => {
    const process = dev([
      "--data",
      join(folder, "data"),
      "--port-base",
      "9000",
      "--gossip-interval",
      "50ms",
      "--no-hints",
    ]);
    await vi.waitFor(() => expect(process.out).toMatch(/ready\n$/), 10_000);
    const lines = process.out.trimEnd().split("\n");
    expect(lines.map((line) => line.replace(/ pid \d+$/, ""))).toEqual([
      "n1 http://127.0.0.1:9000 peer 127.0.0.1:9001",
      "n2 http://127.0.0.1:9010 peer 127.0.0.1:9011",
      "n3 http://127.0.0.1:9020 peer 127.0.0.1:9021",
      "ready",
    ]);
    const n2 = argsOf("n2");
    expect(n2.args.join(" ")).toContain(`--seeds 127.0.0.1:9001 --gossip-interval 50ms --no-hints`);
    expect(n2.zone).toBeUndefined();
    expect(argsOf("n1").args).not.toContain("--seeds");
    process.signals.send();
    expect((await process.done).exit).toBe(0);
    for (const name of ["n1", "n2", "n3"]) expect(isAlive(argsOf(name).pid)).toBe(false);
  });

  test("ready waits for the nodes to serve as one cluster, and says so when they do not", async () => {
    let asked: readonly string[] = [];
    let answer: (serving: boolean) => void = () => {};
    const process = new CliProcess(["dev", "--nodes", "2", "--data", join(folder, "data"), "--port-base", "9000"], {
      services: {
        startCommand: [globalThis.process.execPath, script],
        untilServing: (urls) => ((asked = urls), new Promise((resolve) => (answer = resolve))),
      },
      env: { FAKE_HOME: folder },
    });
    await vi.waitFor(() => expect(asked).toEqual(["http://127.0.0.1:9000", "http://127.0.0.1:9010"]), 10_000);
    expect(process.out).toBe("");
    answer(false);
    await vi.waitFor(() => expect(process.out).toMatch(/ready\n$/), 10_000);
    expect(process.err).toContain("not every one reads with a quorum yet");
    process.signals.send();
    expect((await process.done).exit).toBe(0);
  });

  test("without --data it says where the data is, and leaves nothing behind", async () => {
    const process = dev(["--nodes", "1"]);
    await vi.waitFor(() => expect(process.out).toMatch(/ready\n$/), 10_000);
    const temporary = /data in (\S+), removed at the end/.exec(process.err)?.[1] ?? "";
    expect(existsSync(temporary)).toBe(true);
    process.signals.send();
    await process.done;
    expect(existsSync(temporary)).toBe(false);
  });

  test("one that does not start stops them all: its reason in one line, and its exit code", async () => {
    writeFileSync(join(folder, "fail-n2"), "");
    const { exit, out, err } = await dev(["--data", join(folder, "data")]).done;
    expect([exit, out]).toEqual([2, ""]);
    expect(err.trimEnd().split("\n").at(-1)).toBe(
      "kvorum dev: n2 ended before it was ready: kvorum start: --http 127.0.0.1:1 is taken",
    );
    for (const name of readdirSync(folder).filter((file) => file.endsWith(".args"))) {
      expect(isAlive(argsOf(name.replace(".args", "")).pid)).toBe(false);
    }
  });

  test("a node that dies later is told, with how to start it again, and the others go on", async () => {
    const process = dev(["--data", join(folder, "data")]);
    await vi.waitFor(() => expect(process.out).toMatch(/ready\n$/), 10_000);
    globalThis.process.kill(argsOf("n3").pid, "SIGKILL");
    await vi.waitFor(() => expect(process.err).toContain("n3 ended (SIGKILL); the others go on"), 10_000);
    expect(process.err).toContain(`kvorum start --name n3 --data ${folder}/data/n3 --http 127.0.0.1:7420`);
    expect(isAlive(argsOf("n1").pid)).toBe(true);
    process.signals.send();
    expect((await process.done).exit).toBe(0);
  });

  test("only the first run founds: after it every node asks the others, so that a lost folder founds no second cluster", () => {
    const plans = () =>
      plansOf({ nodes: 3, portBase: 7400 }, folder, []).map(({ args }) => args[args.indexOf("--seeds") + 1]);
    expect(plans()).toEqual(["--name", "127.0.0.1:7401", "127.0.0.1:7401"]);
    writeFileSync(join(folder, "dev.json"), "{}");
    expect(plans()).toEqual([
      "127.0.0.1:7411,127.0.0.1:7421",
      "127.0.0.1:7401,127.0.0.1:7421",
      "127.0.0.1:7401,127.0.0.1:7411",
    ]);
  });

  test("more nodes than ports is wrong usage", async () => {
    expect((await dev(["--port-base", "65530"]).done).exit).toBe(2);
  });
});

test("bench hands its options on, and a run without figures is a problem with --json", async () => {
  let given: unknown;
  const services = { runBench: async (options: unknown) => ((given = options), 0) };
  const args = [
    "bench",
    "--workload",
    "w",
    "--records",
    "7",
    "--value-size",
    "8",
    "--concurrency",
    "9",
    "--seconds",
    "1.5",
  ];
  expect((await runCli([...args, "--seeds", "a:1,b:2"], { services })).exit).toBe(0);
  expect(given).toMatchObject({
    workload: "w",
    records: 7,
    valueBytes: 8,
    concurrency: 9,
    seconds: 1.5,
    seeds: ["a:1", "b:2"],
  });
  for (const bad of [
    ["--workload", "z"],
    ["--records", "0"],
    ["--seconds", "-1"],
    ["--seeds", "a"],
  ]) {
    expect((await runCli(["bench", ...bad], { services })).exit).toBe(2);
  }
  const failing = await runCli(["bench", "--json"], {
    services: { runBench: async (_options, output) => (output.stderr("no member is up"), 1) },
  });
  expect(failing).toMatchObject({ exit: 1, err: "no member is up\n" });
  expect(failing.json).toMatchObject({ type: "urn:kvorum:bench-failed", detail: "no member is up" });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
