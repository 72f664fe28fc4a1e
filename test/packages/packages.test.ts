/** The packages as a user gets them: packed, installed into an empty project, and no larger than is said (`npm run packages`, `npm run size`). */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { count } from "../../packages/core/test/counts.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: "utf8" });
  expect(status, `${stdout}\n${stderr}`).toBe(0);
  return stdout;
}

const here = process.versions.node.split(".")[0] as string;
const isLong = count(0, 1) === 1;
const nodes = isLong ? ["20", "22", "24", "26"] : [here];

it(`packed tarballs work in an empty project on Node ${nodes.join(", ")}, under both module resolutions`, () => {
  const said = run(process.execPath, [
    "test/packages/check.mjs",
    "--node",
    nodes.join(),
    ...(isLong ? [] : ["--quick"]),
  ]);
  for (const node of nodes) expect(said).toContain(`works on Node v${node}.`);
  for (const resolution of ["nodenext", "bundler"]) expect(said).toContain(`moduleResolution ${resolution}: fine`);
});

it("the client stays as small as its limit says", () => {
  const sizes = JSON.parse(run("node_modules/.bin/size-limit", ["--json"])) as { name: string; size: number }[];
  expect(sizes).toHaveLength(2);
  console.log(sizes.map(({ name, size }) => `${name}: ${(size / 1000).toFixed(1)} kB`).join("\n"));
});
