/** `kvorum bench` from its options to its report: what it asks of a cluster first, and what it says when it cannot run. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { discover, prepareBucket, SetupError } from "../../src/bench/cluster-setup.js";
import { reportText, type BenchReport } from "../../src/bench/report.js";
import { runBench, type BenchOptions } from "../../src/bench/run-bench.js";

interface Request {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.closeAllConnections();
});

/** An HTTP door that answers what the test says, and remembers what it was asked. */
async function door(
  answer: (request: Request) => readonly [number, unknown],
): Promise<{ url: string; asked: Request[] }> {
  const asked: Request[] = [];
  const server = createServer((incoming, response) => {
    let body = "";
    incoming.on("data", (chunk: Buffer) => (body += chunk.toString()));
    incoming.on("end", () => {
      const request = { method: incoming.method ?? "", path: incoming.url ?? "", body };
      asked.push(request);
      const [status, document] = answer(request);
      response.writeHead(status, { "content-type": "application/json", connection: "close" });
      response.end(JSON.stringify(document));
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen({ host: "127.0.0.1", port: 0 }, resolve));
  server.unref();
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const member = (status: string, number: number): object => ({
  name: `n${number}`,
  address: `h:${number}1`,
  http: `h:${number}0`,
  status,
});

describe("discover", () => {
  test("gives the doors of the members that are up", async () => {
    const { url } = await door(() => [200, { members: [member("up", 1), member("down", 2), member("up", 3)] }]);
    expect(await discover(url)).toEqual({ seeds: ["h:11", "h:31"], urls: ["http://h:10", "http://h:30"] });
  });

  test.each([
    [200, { members: [] }, "no member that is up"],
    [200, { nodes: 3 }, "something else than the contract says"],
    [503, { title: "stopping" }, "answered 503"],
  ])("says in a line what was wrong with %d %j", async (status, document, line) => {
    const { url } = await door(() => [status, document]);
    await expect(discover(url)).rejects.toThrow(line);
  });

  test("says what cannot be reached", async () => {
    await expect(discover("http://127.0.0.1:1")).rejects.toThrow(SetupError);
  });
});

describe("prepareBucket", () => {
  test("the bench's own bucket becomes last-write-wins, and every member is waited for", async () => {
    let looks = 0;
    const first = await door(() => [200, { conflicts: "lww" }]);
    const second = await door(() => [200, { conflicts: ++looks < 3 ? "siblings" : "lww" }]);
    expect(await prepareBucket("bench", [first.url, second.url])).toBe("lww");
    expect(first.asked[0]).toEqual({ method: "PUT", path: "/v1/buckets/bench", body: '{"conflicts":"lww"}' });
    expect(looks).toBe(3);
  });

  test("any other bucket is somebody's data: it is left as it is", async () => {
    const { url, asked } = await door(() => [200, { conflicts: "siblings" }]);
    expect(await prepareBucket("orders", [url])).toBe("siblings");
    expect(asked.map(({ method }) => method)).toEqual(["GET"]);
  });
});

const options: BenchOptions = { workload: "a", records: 10, valueBytes: 8, concurrency: 1, seconds: 0.1 };

async function run(more: object): Promise<{ code: number; out: string[]; said: string[] }> {
  const out: string[] = [];
  const said: string[] = [];
  const output = { stdout: (line: string) => void out.push(line), stderr: (line: string) => void said.push(line) };
  const code = await runBench({ ...options, ...more } as BenchOptions, output);
  return { code, out, said };
}

describe("runBench", () => {
  test.each([
    [{ workload: "z" }, "workload"],
    [{ records: 0 }, "records"],
    [{ records: 1.5 }, "records"],
    [{ valueBytes: 2 ** 30 }, "value"],
    [{ concurrency: 0 }, "concurrency"],
    [{ seconds: 0 }, "duration"],
    [{ seconds: Infinity }, "duration"],
    [{ warmupSeconds: -1 }, "warm-up"],
  ])("%j is a usage error, in one line that names it", async (more, word) => {
    const { code, out, said } = await run(more);
    expect([code, out, said.length]).toEqual([2, [], 1]);
    expect(said[0]).toContain(word);
  });

  test("a cluster that cannot be reached is exit 1 and one line, by either door", async () => {
    for (const more of [{ url: "http://127.0.0.1:1" }, { seeds: ["127.0.0.1:1"] }]) {
      const { code, out, said } = await run(more);
      expect([code, out, said.length]).toEqual([1, [], 1]);
    }
  });
});

describe("reportText", () => {
  const none = { count: 0, meanMs: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, p999Ms: 0, maxMs: 0 };
  const report: BenchReport = {
    workload: "c",
    bucket: "bench",
    conflicts: "lww",
    records: 10,
    valueBytes: 8,
    concurrency: 4,
    seconds: 2,
    ops: 4_000,
    opsPerSecond: 2_000,
    update: none,
    errors: { timeout: 3 },
    firstError: "no answer within 5000 ms",
    read: { ...none, count: 4_000, p99Ms: 1.25 },
  };

  test("says what ran, how the bucket treats conflicts, and what failed", () => {
    const text = reportText(report);
    for (const part of [
      "workload c, 4 in flight",
      "last-write-wins",
      "2,000 ops/s",
      "1.25",
      "failed: 3 × timeout",
      "within 5000 ms",
    ]) {
      expect(text).toContain(part);
    }
    expect(text).not.toContain("update ");
  });

  test("says so when it does not know, or when siblings pile up", () => {
    expect(reportText({ ...report, conflicts: null })).toContain("not known here");
    expect(reportText({ ...report, conflicts: "siblings" })).toContain("keeps siblings");
  });
});
