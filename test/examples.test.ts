/** The examples and the guide, run as a reader runs them, against a real cluster: what they print is what they say. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startCluster, type LocalCluster } from "kvorum/testing";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));

let cluster: LocalCluster;
beforeAll(async () => {
  cluster = await startCluster(3);
});
afterAll(() => cluster?.close());

it.each([
  ["shopping-cart", ["2 versions, merged: book, lamp, pen", "1 version: book, lamp, pen, ink"]],
  ["stock-count", ["2 counts, the higher stands: 12, by the back", "1 version after the write-back"]],
  [
    "account-balance",
    ["2 balances, the latest: 7500 cents", "until somebody writes, the cluster keeps both: 7500, 10000"],
  ],
  ["document", ['{"image":"ring.svg","summary":"By Ada","tags":["dynamo","new","paper"],"title":"Ready"}']],
  ["person-decides", ["conflict: 2 versions", "waiting in the inbox: true", "decided: delivery in June"]],
  ["likes", ["17 likes"]],
])("examples/%s", async (name, lines) => {
  const { stdout } = await run(process.execPath, [join(root, `examples/dist/${name}.js`), ...cluster.seeds]);
  expect(stdout.trimEnd().split("\n")).toEqual(lines);
});

/** The blocks of a page in order, as one program; and what their `// →` comments say that they print. */
function programOf(page: string): { readonly program: string; readonly printed: string[] } {
  const blocks = [...page.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code = ""]) => code);
  const program = blocks.join("\n");
  return { program, printed: [...program.matchAll(/\/\/ → (.*)$/gm)].map(([, line = ""]) => line) };
}

it.each(["conflicts.md", "sessions.md", "observability.md"])("docs/guide/%s", async (name) => {
  const { program, printed } = programOf(await readFile(join(root, "docs/guide", name), "utf8"));
  expect(printed.length).toBeGreaterThan(0);
  // Inside the repository, so that the packages are found as they are where a user installed them.
  const folder = await mkdtemp(join(root, "node_modules/.kvorum-guide-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const withSeeds = program.replaceAll(/\["127\.0\.0\.1:74[^\]]*\]/g, JSON.stringify(cluster.seeds));
  await writeFile(join(folder, "guide.mjs"), withSeeds);
  const { stdout } = await run(process.execPath, [join(folder, "guide.mjs")]);
  expect(stdout.trimEnd().split("\n")).toEqual(printed);
});

it("docs/guide/observability.md: the recipe for OpenTelemetry compiles, strictly", async () => {
  const page = await readFile(join(root, "docs/guide/observability.md"), "utf8");
  const [, recipe = ""] = /```ts\n([\s\S]*?)```/.exec(page) ?? [];
  expect(recipe).toContain("@opentelemetry/api");
  const folder = await mkdtemp(join(root, "node_modules/.kvorum-guide-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  await writeFile(join(folder, "recipe.ts"), recipe);
  const flags = [
    "--strict",
    "--noEmit",
    "--module",
    "nodenext",
    "--target",
    "es2022",
    "--types",
    "node",
    "--ignoreConfig",
  ];
  await run(join(root, "node_modules/.bin/tsc"), [...flags, "recipe.ts"], { cwd: folder });
});
