/** The command line as a script meets it (CONTRACT §2): exit codes, one JSON document, help everywhere, configuration, import and export. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { count } from "../packages/core/test/counts.js";
import { useCluster, type ClusterView } from "./support/cluster.js";
import { contextOf, kv, type Envelope, type Http, type Problem } from "./support/http.js";
import { freePort, KvorumNode } from "./support/node.js";
import { inTurns } from "./support/in-turns.js";
import { kvorum, type Ended } from "./support/program.js";

const isLong = count(0, 1) === 1;
const cluster = useCluster();
const http = (index = 0): Http => cluster().node(index).http;
/** A client command, to the first node. */
const run = (...args: string[]): Promise<Ended> => kvorum(args, { env: { KVORUM_URL: http().url } });

/** Each mistake is a process: the short form makes every third of them; in one process the units make them all. */
const some = <T>(mistakes: readonly T[]): readonly T[] => mistakes.filter((_, i) => isLong || i % 3 === 0);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kvorum-cli-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The one document on stdout. */
function documentOf<T>({ stdout }: Ended): T {
  const text = stdout.toString();
  expect(text.endsWith("\n")).toBe(true);
  return JSON.parse(text) as T;
}

function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

describe("exit codes", () => {
  it("0 done: put, get, delete; data goes to stdout as it is, words to stderr", async () => {
    const bytes = Buffer.from([0, 255, 10, 13, 10]);
    const stored = await kvorum(["put", "cli", "bytes"], { env: { KVORUM_URL: http().url }, stdin: bytes });
    expect([stored.code, stored.stdout.length]).toEqual([0, 0]);
    expect(stored.stderr).not.toBe("");
    const got = await run("get", "cli", "bytes");
    expect([got.code, got.stdout.equals(bytes)]).toEqual([0, true]);
    expect((await run("delete", "cli", "bytes")).code).toBe(0);
    expect((await http(1).get(kv("cli", "bytes"))).status).toBe(404);
  });

  it("1 failed: nobody answers, or the cluster cannot", async () => {
    const nobody = await kvorum(["get", "cli", "k", "--url", `http://127.0.0.1:${await freePort()}`]);
    expect([nobody.code, linesOf(nobody.stderr).length]).toEqual([1, 1]);
    const refused = await run("put", "cli", "exists", "x");
    expect(refused.code).toBe(0);
    expect((await run("put", "cli", "exists", "x", "--if-absent")).code).toBe(1);
  });

  it("2 usage: one line that names what is wrong", async () => {
    const mistakes: readonly (readonly [string, readonly string[]])[] = [
      ["frobnicate", ["frobnicate"]],
      ["--frobnicate", ["get", "cli", "k", "--frobnicate"]],
      ["key", ["get", "cli"]],
      ["a b", ["get", "a b", "k"]],
      ["r=9", ["get", "cli", "k", "--r", "9"]],
      ["context", ["put", "cli", "k", "v", "--context", "nonsense"]],
      ["--pick", ["resolve", "cli", "k", "--pick", "0"]],
      ["--dir", ["import", "cli"]],
      ["ftp://x", ["get", "cli", "k", "--url", "ftp://x"]],
    ];
    const tried = some(mistakes);
    const ended = await Promise.all(tried.map(([, args]) => run(...args)));
    tried.forEach(([word, args], i) => {
      const { code, stderr, stdout } = ended[i] as Ended;
      expect([args, code, linesOf(stderr).length, stdout.length], stderr).toEqual([args, 2, 1, 0]);
      expect(stderr).toContain(word);
    });
  });

  it("3 not found: get and resolve of nothing", async () => {
    for (const command of [["get"], ["resolve", "--pick", "1"]]) {
      const ended = await run(command[0] as string, "cli", "nothing", ...command.slice(1));
      expect([ended.code, ended.stdout.length]).toEqual([3, 0]);
      expect(linesOf(ended.stderr).length).toBe(1);
    }
  });

  it("4 siblings need resolving: get and export", async () => {
    for (const value of ["one", "two"]) await http().put(kv("cli-siblings", "k"), value);
    expect((await run("get", "cli-siblings", "k")).code).toBe(4);
    const exported = await run("export", "cli-siblings");
    expect(exported.code).toBe(4);
    expect(exported.stderr).toContain("k");
    expect(exported.stdout.length).toBe(0);
    const listed = await run("conflicts", "cli-siblings");
    expect(listed.code).toBe(0);
    expect(listed.stdout.toString()).toContain("k");
    // Nobody is there to ask.
    expect((await run("resolve", "cli-siblings", "k")).code).toBe(2);
  });
});

describe("--json: one document on stdout, the same as over HTTP", () => {
  it("get: the envelope, of one value and of siblings; the problem where nothing stands", async () => {
    await http().put(kv("cli-json", "one"), "v");
    for (const value of ["a", "b"]) await http().put(kv("cli-json", "two"), value);
    for (const [key, code] of [
      ["one", 0],
      ["two", 4],
    ] as const) {
      const ended = await run("get", "cli-json", key, "--json");
      expect(ended.code).toBe(code);
      const { siblings, bucket } = documentOf<Envelope>(ended);
      expect([bucket, siblings]).toEqual(["cli-json", (await http(1).envelope(kv("cli-json", key))).siblings]);
    }
    const nothing = await run("get", "cli-json", "nothing", "--json");
    expect(nothing.code).toBe(3);
    expect(documentOf<Problem>(nothing)).toMatchObject({ type: "urn:kvorum:not-found", status: 404 });
  });

  it("put and delete: the context, which works", async () => {
    const { context } = documentOf<{ context: string }>(await run("put", "cli-json", "k", "v", "--json"));
    const put = await run("put", "cli-json", "k", "w", "--context", context, "--json");
    const second = documentOf<{ context: string }>(put).context;
    expect((await http(1).get(kv("cli-json", "k"))).body.toString()).toBe("w");
    const deleted = await run("delete", "cli-json", "k", "--context", second, "--json");
    expect(documentOf<{ context: string }>(deleted).context).toEqual(expect.any(String));
    expect((await http(1).get(kv("cli-json", "k"))).status).toBe(404);
  });

  it("an error: the problem as HTTP gives it", async () => {
    const foreign = contextOf(await http().put(kv("cli-json", "other"), "x"));
    const ended = await run("put", "cli-json", "k", "v", "--context", foreign, "--json");
    expect(ended.code).toBe(2);
    expect(documentOf<Problem>(ended)).toMatchObject({ type: "urn:kvorum:bad-context", status: 400, effect: "none" });
    const usage = await run("get", "cli-json", "--json");
    expect(documentOf<Problem>(usage).type).toEqual(expect.stringMatching(/^urn:kvorum:/));
  });

  it("keys, conflicts, status, members, ring, explain", async () => {
    await Promise.all(Array.from({ length: 30 }, (_, i) => http().put(kv("cli-keys", `k${i}`), "v")));
    const { keys } = documentOf<{ keys: string[] }>(await run("keys", "cli-keys", "--json"));
    expect(keys.length).toBe(30);
    expect(linesOf((await run("keys", "cli-keys", "--prefix", "k1")).stdout.toString()).length).toBe(11);
    expect(documentOf(await run("conflicts", "cli-keys", "--json"))).toEqual({ conflicts: [], cursor: null, total: 0 });
    for (const command of ["status", "members"]) {
      const { members } = documentOf<ClusterView>(await run(command, "--json"));
      expect(members.map(({ name }) => name).toSorted()).toEqual(["n1", "n2", "n3"]);
    }
    expect(documentOf(await run("ring", "--json"))).toEqual(await http(1).json("/v1/ring"));
    const place = await http(1).json("/v1/ring?bucket=cli-keys&key=k1");
    expect(documentOf(await run("ring", "cli-keys", "k1", "--json"))).toEqual(place);
    expect(documentOf(await run("explain", "cli-keys", "k1", "--json"))).toMatchObject({ agree: true });
    for (const command of [["status"], ["members"], ["ring"], ["explain", "cli-keys", "k1"]]) {
      const ended = await run(...command);
      expect(ended.code).toBe(0);
      expect(ended.stdout.toString()).toContain("n2");
    }
  });
});

describe("--help and --version", () => {
  const commands =
    "dev start put get delete keys resolve conflicts status ring members explain import export bench".split(" ");

  it("answer on stdout for the program and its commands, with exit code 0", async () => {
    const version = (await kvorum(["--version"])).stdout.toString();
    expect(version).toMatch(/^\d+\.\d+\.\d+\n$/);
    const general = await kvorum(["--help"]);
    expect(general.code).toBe(0);
    for (const command of commands) expect(general.stdout.toString()).toMatch(new RegExp(`^  ${command}\\b`, "m"));

    const answers = async (command: string): Promise<void> => {
      const help = await kvorum([command, "--help"]);
      expect([command, help.code, help.stderr]).toEqual([command, 0, ""]);
      expect(help.stdout.toString()).toContain(`kvorum ${command}`);
      const told = await kvorum([command, "--version"]);
      expect([command, told.code, told.stdout.toString()]).toEqual([command, 0, version]);
    };
    await inTurns(isLong ? commands : ["start", "get"], 2, answers);
  });
});

describe("configuration of start", () => {
  interface Given {
    readonly flags?: Readonly<Record<string, string>>;
    readonly env?: Readonly<Record<string, string>>;
    readonly file?: string;
  }

  async function started({ flags = {}, env = {}, file }: Given): Promise<Ended> {
    const data = join(folder, `bad-${Math.random()}`);
    const all = { name: "n1", data, http: "127.0.0.1:0", listen: "127.0.0.1:0", ...flags };
    const args = Object.entries(all).flatMap(([name, value]) => (value === "" ? [] : [`--${name}`, value]));
    if (file === undefined) return await kvorum(["start", ...args], { env });
    const path = join(folder, `${Math.random()}.${file.startsWith("{") ? "json" : "toml"}`);
    await writeFile(path, file);
    return await kvorum(["start", ...args, "--config", path], { env });
  }

  const mistakes: readonly (readonly [string, Given, readonly string[]])[] = [
    ["an unknown flag", { flags: { "gossip-intervall": "1s" } }, ["--gossip-intervall"]],
    ["an unknown key of a file", { file: 'gossip_interval = "1s"' }, ["gossip_interval"]],
    ["an unknown key of a JSON file", { file: '{"seed":"x:1"}' }, ["seed"]],
    ["an unknown variable", { env: { KVORUM_GOSIP_INTERVAL: "1s" } }, ["KVORUM_GOSIP_INTERVAL"]],
    ["a missing name", { flags: { name: "" } }, ["name"]],
    ["a bad name", { flags: { name: "a b" } }, ["--name", "a b"]],
    ["a bad address", { flags: { http: "nonsense" } }, ["--http", "nonsense"]],
    ["a bad port", { flags: { listen: "127.0.0.1:70000" } }, ["--listen", "70000"]],
    ["a bad duration", { flags: { "gossip-interval": "fast" } }, ["--gossip-interval", "fast"]],
    ["a bad duration in the environment", { env: { KVORUM_HINT_TTL: "-1s" } }, ["KVORUM_HINT_TTL", "-1s"]],
    ["partitions that are no power of two", { flags: { partitions: "100" } }, ["--partitions", "100", "power of two"]],
    ["a bad number in a file", { file: "siblings-max = 0" }, ["siblings-max", "0"]],
    ["a bad seed", { flags: { seeds: "127.0.0.1:1,x" } }, ["--seeds"]],
    ["a malformed file", { file: "http = " }, [".toml"]],
    ["a malformed JSON file", { file: "{" }, [".json"]],
  ];

  it("an unknown key or a bad value stops the start with one clear line and exit code 2", async () => {
    await inTurns(some(mistakes), 2, async ([what, given, words]) => {
      const { code, stderr, stdout } = await started(given);
      expect([what, code, linesOf(stderr).length, stdout.toString()], stderr).toEqual([what, 2, 1, ""]);
      for (const word of words) expect(stderr, what).toContain(word);
    });
    const missing = await kvorum(["start", "--config", join(folder, "nowhere.toml")]);
    expect([missing.code, linesOf(missing.stderr).length]).toEqual([2, 1]);
    expect(missing.stderr).toContain("nowhere.toml");
  });

  it("a port that is taken is one line too", async () => {
    const ended = await started({ flags: { http: `127.0.0.1:${http().port}` } });
    expect(ended.code, ended.stderr).toBe(2);
    expect(ended.stderr).toContain(String(http().port));
    expect(linesOf(ended.stderr).length, "nothing is founded before").toBe(1);
    const peer = await started({ flags: { listen: `127.0.0.1:${http().port}` } });
    expect([peer.code, linesOf(peer.stderr).length], peer.stderr).toEqual([2, 1]);
    expect(peer.stderr).toContain(`listen 127.0.0.1:${http().port} can't be bound`);
  });

  it("flags win over environment, environment over file; all settings of a node can stand in the file", async () => {
    const nameOf = async (flags: readonly string[], env: Readonly<Record<string, string>>): Promise<string> => {
      const [httpPort, peerPort] = [await freePort(), await freePort()];
      const file = join(folder, `${httpPort}.toml`);
      const settings = [
        'name = "from-file"',
        'zone = "z-file"',
        `data = "${join(folder, String(httpPort))}"`,
        `http = "127.0.0.1:${httpPort}"`,
        `listen = "127.0.0.1:${peerPort}"`,
        'gossip-interval = "300ms"',
        "siblings-max = 99",
        "no-hints = true",
      ];
      await writeFile(file, settings.join("\n"));
      const node = new KvorumNode({ name: "any", data: "", httpPort, peerPort });
      await node.start({ args: ["start", "--config", file, ...flags], env });
      try {
        const { members } = await node.http.json<ClusterView>("/v1/cluster");
        return members.map(({ name, zone }) => `${name} in ${zone}`).join();
      } finally {
        expect(await node.stop()).toBe(0);
      }
    };
    expect(await nameOf([], {})).toBe("from-file in z-file");
    const both = { KVORUM_NAME: "from-env", KVORUM_ZONE: "z-env" };
    expect(await nameOf(["--name", "from-flag"], both)).toBe("from-flag in z-env");
  });
});

describe("export and import", () => {
  it("what export writes import reads: every key, byte for byte, with its content type", async () => {
    const entries: readonly (readonly [string, Buffer, string])[] = [
      ["text", Buffer.from("grün\n\u2028"), "text/plain; charset=utf-8"],
      ["bytes", Buffer.from([0, 255, 254, 10]), "application/octet-stream"],
      ["empty", Buffer.alloc(0), "application/json"],
      ["a/../b c\n👍", Buffer.from('{"a":1}'), "application/json"],
      ["__proto__", Buffer.from("x"), "application/octet-stream"],
      ...Array.from({ length: 100 }, (_, i) => [`k${i}`, Buffer.alloc(i * 50, i), "application/octet-stream"] as const),
    ];
    for (const [key, value, type] of entries) {
      expect((await http().put(kv("export", key), value, { "content-type": type })).status).toBe(204);
    }
    const exported = await run("export", "export");
    expect(exported.code, exported.stderr).toBe(0);
    expect(linesOf(exported.stdout.toString()).length).toBe(entries.length);
    for (const line of linesOf(exported.stdout.toString())) {
      expect(Object.keys(JSON.parse(line) as object)).toEqual(expect.arrayContaining(["key", "value"]));
    }
    const options = { env: { KVORUM_URL: http(1).url }, stdin: exported.stdout };
    const imported = await kvorum(["import", "import", "-"], options);
    expect(imported.code, imported.stderr).toBe(0);
    expect(imported.stderr).toContain(String(entries.length));
    for (const [key, value, type] of entries) {
      const reply = await http(2).get(kv("import", key));
      expect([reply.status, reply.headers["content-type"], reply.body.equals(value)]).toEqual([200, type, true]);
    }
    // Once more, from a file: what stands is replaced, and no sibling comes of it.
    const file = join(folder, "export.jsonl");
    await writeFile(file, exported.stdout);
    expect((await run("import", "import", file)).code).toBe(0);
    expect(await http(2).json("/v1/conflicts?bucket=import")).toMatchObject({ total: 0 });
  });

  it("a line that cannot be stored is named, the others are stored, and the exit code says so", async () => {
    const lines = ['{"key":"good","value":"1"}', "nonsense", '{"key":"","value":"x"}', '{"key":"too","value":1}'];
    const stdin = [...lines, '{"key":"base","value":"AP8=","encoding":"base64","contentType":"image/x"}'].join("\n");
    const ended = await kvorum(["import", "lines", "-"], { env: { KVORUM_URL: http().url }, stdin });
    expect(ended.code).toBe(1);
    for (const number of [2, 3, 4]) expect(ended.stderr).toContain(`line ${number}`);
    const { keys } = await http(1).json<{ keys: string[] }>("/v1/kv/lines?timeout=20000");
    expect(keys.toSorted()).toEqual(["base", "good"]);
    const base = await http(1).get(kv("lines", "base"));
    expect([base.body, base.headers["content-type"]]).toEqual([Buffer.from([0, 255]), "image/x"]);
  });
});
