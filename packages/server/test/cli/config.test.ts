/** Configuration: precedence of sources, every kind of value, and one clear line for each bad one (CONTRACT §2). */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { formatAddress, isWildcard, parseAddress } from "../../src/config/address.js";
import { ConfigError } from "../../src/config/config-error.js";
import { formatDuration, parseDuration } from "../../src/config/duration.js";
import { resolveConfig } from "../../src/config/resolve-config.js";
import { environmentName, settingNames } from "../../src/config/settings.js";

const folder = mkdtempSync(join(tmpdir(), "kvorum-config-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function file(text: string, ending = "toml"): string {
  const path = join(folder, `${++files}.${ending}`);
  writeFileSync(path, text);
  return path;
}

const needed = { name: "n1", data: "/data" };

function resolve(flags: Record<string, unknown>, env: Record<string, string> = {}) {
  return resolveConfig({ flags: new Map(Object.entries(flags)), env });
}

/** The one line that stops the start. */
function refusal(flags: Record<string, unknown>, env: Record<string, string> = {}): string {
  try {
    resolve({ ...needed, ...flags }, env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as Error).message).not.toContain("\n");
    return (error as Error).message;
  }
  throw new Error("nothing was refused");
}

describe("sources", () => {
  test("flags win over environment, environment over file, file over defaults", () => {
    const config = file(
      `name = "f"\ndata = "/f"\nzone = "file"\ngossip-interval = "3s"\nhint-ttl = "1h"\nno-read-repair = true`,
    );
    const { config: found, raw } = resolve(
      { config, name: "flag" },
      { KVORUM_NAME: "env", KVORUM_ZONE: "env", KVORUM_GOSSIP_INTERVAL: "2s" },
    );
    expect(found).toMatchObject({
      name: "flag",
      data: "/f",
      zone: "env",
      engine: "log",
      gossipIntervalMs: 2000,
      hintTtlMs: 3_600_000,
    });
    expect(found).toMatchObject({ readRepair: false, hints: true, handoffIntervalMs: 10_000 });
    const origins = Object.fromEntries([...raw].map(([name, { origin }]) => [name, origin]));
    expect(origins).toMatchObject({ name: "--name", zone: "KVORUM_ZONE", "handoff-interval": "default" });
    expect(origins["data"]).toBe(`data in ${config}`);
  });

  test("every setting can come from flag, environment and file alike, TOML or JSON", () => {
    const values: Record<string, unknown> = {
      name: "n7",
      data: "/d",
      http: "[::1]:1",
      listen: "h.example:2",
      seeds: "a:1,[::1]:2",
      zone: "z",
      partitions: "64",
      replicas: "5",
      advertise: "x:3",
      "http-advertise": "x:4",
      "gossip-interval": "20ms",
      "anti-entropy-interval": "30ms",
      "handoff-interval": "40ms",
      "hint-ttl": "50ms",
      "reap-interval": "7s",
      "message-life": "8s",
      "request-timeout": "60ms",
      "value-bytes-max": "70",
      "siblings-max": "80",
      "no-hints": "true",
      "no-read-repair": "true",
      "no-anti-entropy": "true",
      engine: "lmdb",
    };
    expect(Object.keys(values).toSorted()).toEqual([...settingNames].toSorted());
    const byFlags = resolve(values).config;
    const env = Object.fromEntries(
      Object.entries(values).map(([name, value]) => [environmentName(name), String(value)]),
    );
    expect(resolve({}, env).config).toEqual(byFlags);
    expect(resolve({ config: file(JSON.stringify(values), "json") }).config).toEqual(byFlags);
    const native = { ...values, seeds: ["a:1", "[::1]:2"], partitions: 64, replicas: 5, "no-hints": true };
    expect(resolve({ config: file(JSON.stringify(native), "json") }).config).toEqual(byFlags);
    const toml = Object.entries(native).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
    expect(resolve({}, { KVORUM_CONFIG: file(toml.join("\n")) }).config).toEqual(byFlags);
    expect(byFlags).toMatchObject({
      http: { host: "::1", port: 1 },
      seeds: [
        { host: "a", port: 1 },
        { host: "::1", port: 2 },
      ],
      partitions: 64,
      replicas: 5,
      gossipIntervalMs: 20,
      valueBytesMax: 70,
      siblingsMax: 80,
      hints: false,
      readRepair: false,
      antiEntropy: false,
    });
  });

  test("without a word the ring's size is the cluster's, not a default that could contradict it", () => {
    expect(resolve(needed).config).toMatchObject({ partitions: undefined, replicas: undefined, seeds: [] });
  });

  test("an empty variable is not set; KVORUM_URL and KVORUM_TEST_* are no settings of a node", () => {
    const env = { KVORUM_SEEDS: "", KVORUM_URL: "http://x:1", KVORUM_TEST_LONG: "1", PATH: "/bin" };
    expect(resolve(needed, env).config.seeds).toEqual([]);
  });

  test("what Kubernetes tells each pod of a service named kvorum stops no start", () => {
    const env = {
      KVORUM_SERVICE_HOST: "10.0.0.1",
      KVORUM_SERVICE_PORT: "7400",
      KVORUM_SERVICE_PORT_HTTP: "7400",
      KVORUM_PORT: "tcp://10.0.0.1:7400",
      KVORUM_PORT_7400_TCP: "tcp://10.0.0.1:7400",
      KVORUM_PORT_7400_TCP_PROTO: "tcp",
      KVORUM_PORT_7400_TCP_PORT: "7400",
      KVORUM_PORT_7400_TCP_ADDR: "10.0.0.1",
      KVORUM_PEERS_SERVICE_HOST: "10.0.0.2",
    };
    expect(resolve(needed, env).config.seeds).toEqual([]);
  });
});

describe("one clear line", () => {
  test.each<[string, Record<string, unknown>, Record<string, string>, RegExp]>([
    ["a missing name", { name: "" }, {}, /^--name is "": 1-64 of A-Z/],
    ["a name of spaces", { name: "a b" }, {}, /^--name is "a b": 1-64 of A-Z a-z 0-9 \. _ -$/],
    ["an address without a port", { http: "127.0.0.1" }, {}, /^--http is "127.0.0.1": HOST:PORT such as/],
    ["IPv6 without brackets", { listen: "::1:7400" }, {}, /^--listen is "::1:7400": HOST:PORT such as .*\[::1\]:7401/],
    ["a port too high", { http: "h:65536" }, {}, /^--http is "h:65536": HOST:PORT .* 65535$/],
    ["a seed at port 0", {}, { KVORUM_SEEDS: "a:1,b:0" }, /^KVORUM_SEEDS is "a:1,b:0": HOST:PORT .* from 1 to 65535$/],
    [
      "partitions that are no power of two",
      { partitions: "100" },
      {},
      /^--partitions is "100": a power of two from 64/,
    ],
    ["too few partitions", { partitions: "32" }, {}, /^--partitions is "32": a whole number from 64 to 65536/],
    [
      "a duration without a unit",
      {},
      { KVORUM_GOSSIP_INTERVAL: "200" },
      /^KVORUM_GOSSIP_INTERVAL is "200": a duration/,
    ],
    ["a duration out of range", { "hint-ttl": "1ms" }, {}, /^--hint-ttl is "1ms": a duration .* from 10ms to 365d$/],
    ["a switch that is neither", {}, { KVORUM_NO_HINTS: "maybe" }, /^KVORUM_NO_HINTS is "maybe": true or false$/],
    ["an unknown variable", {}, { KVORUM_GOSIP: "1s" }, /^KVORUM_GOSIP in the environment is no setting; known are /],
    ["every address bound, none told", { listen: "0.0.0.0:7401" }, {}, /^listen is "0.0.0.0".* --advertise HOST:PORT$/],
    ["a wildcard advertised", { advertise: "[::]:7401" }, {}, /^advertise is "::".* --advertise HOST:PORT$/],
    ["a file that is not there", { config: "/no/such.toml" }, {}, /^the config file \/no\/such\.toml cannot be read: /],
  ])("%s", (_what, flags, env, line) => {
    expect(refusal(flags, env)).toMatch(line);
  });

  test("a missing setting names all three ways to give it", () => {
    expect(() => resolve({ name: "n1" })).toThrow(
      "data is missing: give --data, KVORUM_DATA, or data in a config file",
    );
  });

  test("what a file gets wrong is told with the file's name", () => {
    const unknown = file(`gossip_interval = "1s"`);
    expect(refusal({ config: unknown })).toContain(`gossip_interval in ${unknown} is no setting; known are name data`);
    const bad = file(`gossip-interval = 200`);
    expect(refusal({ config: bad })).toMatch(/^gossip-interval in .* is 200: a duration such as 200ms/);
    expect(refusal({ config: file(`seeds = ["a:1", 2]`) })).toMatch(/^seeds in .* is \["a:1",2\]: /);
    expect(refusal({ config: file(`partitions = 64.5`) })).toMatch(/is 64.5: a whole number/);
    expect(refusal({ config: file(`no-hints = "ja"`) })).toMatch(/is "ja": true or false/);
    expect(refusal({ config: file(`http =\n`) })).toMatch(/is malformed: line 1, column \d+: /);
    expect(refusal({ config: file(`{"name":`, "json") })).toMatch(/is malformed: /);
    expect(refusal({ config: file(`["name"]`, "json") })).toMatch(/is malformed: it holds no settings by name/);
    expect(refusal({ config: file(`{"__proto__": "x"}`, "json") })).toMatch(/^__proto__ in .* is no setting/);
  });
});

test("HTTP on every address is found on the host that peers dial", () => {
  const { config } = resolve({ ...needed, http: "0.0.0.0:80", advertise: "node1:7401", listen: "0.0.0.0:7401" });
  expect(config.httpAdvertise).toEqual({ host: "node1", port: 80 });
});

test("durations are read and written", () => {
  const pairs: readonly [string, number][] = [
    ["200ms", 200],
    ["10s", 10_000],
    ["90s", 90_000],
    ["3h", 10_800_000],
    ["2d", 172_800_000],
  ];
  for (const [text, ms] of pairs) {
    expect(parseDuration(text)).toBe(ms);
    expect(formatDuration(ms)).toBe(text);
  }
  expect(parseDuration("1.5s")).toBe(1500);
  for (const text of ["", "5", "s", "-1s", "1 s", "1e3s", "1sm", "1S"]) expect(parseDuration(text)).toBeUndefined();
});

test("addresses are read and written", () => {
  for (const text of ["127.0.0.1:7400", "[::1]:7400", "a-b_c.example:0", "localhost:65535"]) {
    const address = parseAddress(text);
    expect(address).toBeDefined();
    expect(address && formatAddress(address)).toBe(text);
  }
  for (const text of ["", ":1", "h:", "h:x", "h:1:2", "[h]:1", "[::1]", "::1", "h:65536", "a b:1", "h:-1", "h/x:1"]) {
    expect(parseAddress(text)).toBeUndefined();
  }
  expect(["0.0.0.0", "::", "0:0:0:0:0:0:0:0", "127.0.0.1", "::1"].map((host) => isWildcard({ host, port: 1 }))).toEqual(
    [true, true, true, false, false],
  );
});
