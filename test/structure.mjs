/** `npm run structure`: who imports whom (.dependency-cruiser.cjs), that the check has seen the house at all, and that the core needs no package. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Fewer modules mean that the sources were not read, as happens when the TypeScript that reads them is missing. */
const MODULES_MIN = 200;

const fail = (why) => {
  console.error(`structure: ${why}`);
  process.exit(1);
};

const { dependencies, peerDependencies, optionalDependencies } = JSON.parse(
  readFileSync("packages/core/package.json", "utf8"),
);
const needed = Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies });
if (needed.length > 0) fail(`packages/core must not need ${needed.join(", ")}`);

const arguments_ = ["--config", ".dependency-cruiser.cjs", "--output-type", "json", "packages", "bench"];
const { stdout, stderr } = spawnSync("depcruise", arguments_, { encoding: "utf8", maxBuffer: 256 * 1024 * 1024 });
let summary;
try {
  ({ summary } = JSON.parse(stdout));
} catch {
  fail(`depcruise gave no report\n${stderr}`);
}
for (const { rule, from, to, cycle } of summary.violations) {
  console.error(`${rule.name}: ${from} → ${cycle === undefined ? to : cycle.map(({ name }) => name).join(" → ")}`);
}
if (summary.violations.length > 0) fail(`${summary.violations.length} imports are not allowed`);
if (summary.totalCruised < MODULES_MIN) fail(`only ${summary.totalCruised} modules were read`);
console.log(`structure: ${summary.totalCruised} modules, ${summary.totalDependenciesCruised} imports, all allowed`);
