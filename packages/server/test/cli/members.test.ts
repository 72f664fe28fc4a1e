/** `leave`, `remove`, `plan`: what would move is shown, and what is asked for is asked of the node. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { FakeKvorum } from "./fake-kvorum.js";
import { runCli } from "./run-cli.js";

let fake: FakeKvorum;
let asked: string[];

beforeAll(async () => {
  fake = await FakeKvorum.start();
});
afterAll(() => fake.stop());

const moved = { partitions: 64, keys: 1_000, bytes: 2_048 };
const view = {
  ...{ change: "leave", name: "n2", ...moved, replicas: 64, arrivals: [{ to: "n3", ...moved }] },
  ...{ fewestReplicas: 3, fewestAfter: 2, expectedMs: 1_200, unreached: ["n4"] },
};

beforeEach(() => {
  asked = [];
  fake.fault = ({ method, url }, response) => {
    if (url?.startsWith("/v1/cluster/") !== true) return false;
    asked.push(`${method} ${url}`);
    response.statusCode = method === "GET" ? 200 : 202;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(method === "DELETE" ? { ...view, keysBelowN: 12, partitionsAtRisk: 1 } : view));
    return true;
  };
});

const kvorum = (...args: string[]) => runCli([...args, "--url", fake.url]);

test("a plan shows what would move, to whom, and who did not say what it holds, and changes nothing", async () => {
  const { exit, out } = await kvorum("plan", "leave", "n2");
  expect([exit, asked]).toEqual([0, ["GET /v1/cluster/plan?change=leave&name=n2"]]);
  expect(out).toMatch(/64 partitions get other owners/);
  expect(out).toMatch(/64 copies to make: 1,000 keys, 2\.0 KiB, in about 2 s/);
  expect(out).toMatch(/at least 3 replicas of every key meanwhile, 2 afterwards/);
  expect(out).toMatch(/who did not answer: n4/);
  expect(out).toMatch(/n3 +64 +1000 +2\.0 KiB/);
});

test("a plan of a join says where the member would stand; with --yes a plan is made", async () => {
  await kvorum("plan", "join", "n9", "--zone", "z", "--weight", "2");
  const { exit, out } = await kvorum("plan", "remove", "n2", "--yes", "--force");
  expect(out.match(/get other owners/g)?.length, "what it moves is shown once").toBe(1);
  expect(out).toMatch(/12 keys below N until copied/);
  expect([exit, asked]).toEqual([
    0,
    [
      "GET /v1/cluster/plan?change=join&name=n9&zone=z&weight=2",
      "GET /v1/cluster/plan?change=remove&name=n2",
      "DELETE /v1/cluster/members/n2?force=true",
    ],
  ]);
});

test("leave asks the member to, and remove says how many keys are below N until copied", async () => {
  const left = await kvorum("leave", "n2", "--json");
  expect(JSON.parse(left.out)).toEqual(view);
  const removed = await kvorum("remove", "n2");
  expect(removed.out).toMatch(/12 keys below N until copied\ntoo few owners of 1 partition can be reached/);
  expect(asked).toEqual(["POST /v1/cluster/members/n2/leave", "DELETE /v1/cluster/members/n2"]);
});

test.each([[["plan", "split", "n2"]], [["plan", "leave", "n2", "--zone", "z"]], [["plan", "join", "n9", "--yes"]]])(
  "what can't be asked is a usage error, and nobody is asked: %s",
  async (args) => {
    expect((await kvorum(...args)).exit).toBe(2);
    expect(asked).toEqual([]);
  },
);
