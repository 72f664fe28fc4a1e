/** `repair`: begun everywhere, watched to its end, and what it did told by what was added to the counts. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { FakeKvorum } from "./fake-kvorum.js";
import { runCli } from "./run-cli.js";

let fake: FakeKvorum;
let asked: string[];

beforeAll(async () => {
  fake = await FakeKvorum.start();
});
afterAll(() => fake.stop());

const member = (node: string, keysRepaired: number, bytesSent: number) => ({
  ...{ node, reached: true, running: false, exchanges: 4, keysRepaired, bytesSent, finishedAt: 1, done: 0, total: 2 },
});
const away = { ...member("n3", 0, 0), reached: false, total: 0 };

function view(running: boolean, done: number, members: readonly ReturnType<typeof member>[]) {
  const sum = (of: (each: ReturnType<typeof member>) => number): number =>
    members.reduce((total, each) => total + of(each), 0);
  return {
    ...{ running, exchanges: 8, keysRepaired: sum((each) => each.keysRepaired), finishedAt: running ? null : 7 },
    ...{ bytesSent: sum((each) => each.bytesSent), done, total: 4, members },
  };
}

const views = [
  view(true, 0, [member("n1", 10, 1_000), member("n2", 5, 1_000), away]),
  view(true, 3, [member("n1", 10, 3_000), member("n2", 7, 2_000), away]),
  view(false, 0, [member("n1", 10, 3_048), member("n2", 9, 2_000), away]),
];

beforeEach(() => {
  asked = [];
  fake.fault = ({ method, url }, response) => {
    if (url !== "/v1/repair") return false;
    const document = views[asked.length];
    asked.push(method);
    response.statusCode = method === "POST" ? 202 : 200;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(document));
    return true;
  };
});

const kvorum = (...args: string[]) => runCli(["repair", "--url", fake.url, ...args]);

test("without --wait it says that it has begun, and who was not reached", async () => {
  const { exit: code, out } = await kvorum();
  expect([code, asked]).toEqual([0, ["POST"]]);
  expect(out).toMatch(/^begun on 2 members; not reached: n3/);
});

test("with --wait it is done when no member runs, and tells what this run did", async () => {
  const { exit: code, out } = await kvorum("--wait");
  expect([code, asked]).toEqual([0, ["POST", "GET", "GET"]]);
  expect(out).toMatch(/n1 +done +0 +2\.0 KiB\nn2 +done +4 +1000 B\nn3 +not reached/);
  expect(out).toMatch(/4 keys repaired, 3\.0 KiB sent; not reached: n3\n$/);
});

test("--json is the last document as it came, and nothing else", async () => {
  const { exit: code, out } = await kvorum("--wait", "--json");
  expect(code).toBe(0);
  expect(JSON.parse(out)).toEqual(views[2]);
});
