/**
 * `npm run packages [-- --node 20,22,24,26]`: packs what is published, installs it into an empty project, and shows that it works there: on each
 * Node that is asked for (default: the four that are supported), and under `tsc --strict` with both module resolutions. Needs the npm registry, for the
 * packages' own dependencies and for the other Nodes. `--quick` needs none: it unpacks instead of installing, and gives each package what it declares
 * from the repository's own modules; it leaves out what publint and attw say, and starts one node instead of three.
 */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, "../..");
const { values } = parseArgs({
  options: { node: { type: "string", default: "20,22,24,26" }, quick: { type: "boolean", default: false } },
});
const work = mkdtempSync(join(tmpdir(), "kvorum-packages-"));
process.on("exit", () => rmSync(work, { recursive: true, force: true }));

const published = workspaces().filter(({ manifest }) => manifest.private !== true);
const tarballs = pack(published);
if (!values.quick) for (const tarball of tarballs) lint(tarball);

const project = join(work, "project");
mkdirSync(project);
writeFileSync(join(project, "package.json"), JSON.stringify({ name: "empty", private: true, type: "module" }));
if (values.quick) unpack(project);
else install(project);

for (const file of ["smoke.mjs", "program.ts", "client-only.ts"]) copyFileSync(join(here, file), join(project, file));
for (const [module, moduleResolution] of [
  ["nodenext", "nodenext"],
  ["esnext", "bundler"],
]) {
  const flags = ["--strict", "--noEmit", "--target", "es2022", "--skipLibCheck", "false", "--module", module];
  const tsc = (...args) =>
    run(join(root, "node_modules/.bin/tsc"), [...flags, "--moduleResolution", moduleResolution, ...args], project);
  tsc("--types", "node", "program.ts");
  tsc("--types", "", "client-only.ts");
  say(`tsc --strict with moduleResolution ${moduleResolution}: fine`);
}
for (const version of values.node.split(",")) {
  process.stdout.write(run(nodeOf(version), ["smoke.mjs", values.quick ? "1" : "3"], project));
}

function workspaces() {
  const { workspaces: folders } = manifestOf(root);
  return folders.map((folder) => ({ folder: join(root, folder), manifest: manifestOf(join(root, folder)) }));
}

function manifestOf(folder) {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}

/** From copies, so that what npm packs is what stands there now, with the licence beside it. Gives the tarballs. */
function pack(packages) {
  const copies = packages.map(({ folder, manifest }) => {
    const copy = join(work, "pack", manifest.name.replace("/", "-"));
    cpSync(folder, copy, { recursive: true, filter: (path) => !path.endsWith("node_modules") });
    copyFileSync(join(root, "LICENSE"), join(copy, "LICENSE"));
    return copy;
  });
  const packed = JSON.parse(
    run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", work, ...copies], work),
  );
  return packages.map((each, i) => checkPacked(each, packed[i]));
}

function checkPacked({ manifest }, { name, filename, size, files }) {
  if (name !== manifest.name) fail(`${name} was packed instead of ${manifest.name}`);
  const names = files.map(({ path }) => path);
  for (const needed of ["package.json", "README.md", "LICENSE"]) {
    if (!names.includes(needed)) fail(`${manifest.name} is packed without ${needed}`);
  }
  const strange = names.filter((name) => /tsbuildinfo|\.test\.|node_modules/.test(name));
  if (strange.length > 0) fail(`${manifest.name} is packed with ${strange.join(", ")}`);
  say(`${manifest.name}: ${(size / 1024).toFixed(0)} kB packed, ${names.length} files`);
  return join(work, filename);
}

/** What publint and attw find wrong with exports and types. ESM only is meant: `require` of ESM is there from Node 20.19 on. */
function lint(tarball) {
  run(join(root, "node_modules/.bin/publint"), ["--strict", tarball], root);
  run(join(root, "node_modules/.bin/attw"), ["--profile", "esm-only", "--no-emoji", tarball], root);
}

function install(folder) {
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
  run("npm", ["install", ...flags, ...tarballs, `@types/node@${typesVersion()}`], folder);
  noneFromElsewhere(folder);
}

/** What a package imports and does not declare is not there. */
function unpack(folder) {
  const needed = new Set(["@types/node"]);
  published.forEach(({ manifest }, i) => {
    const place = join(folder, "node_modules", manifest.name);
    mkdirSync(place, { recursive: true });
    run("tar", ["-xzf", tarballs[i], "-C", place, "--strip-components=1"], folder);
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) needed.add(name);
  });
  for (const { manifest } of published) needed.delete(manifest.name);
  for (const name of needed) {
    const place = join(folder, "node_modules", name);
    mkdirSync(dirname(place), { recursive: true });
    symlinkSync(join(root, "node_modules", name), place);
  }
}

/** Our own packages must come from the tarballs: a registry has none of them, or somebody else's. */
function noneFromElsewhere(folder) {
  const { packages } = JSON.parse(readFileSync(join(folder, "package-lock.json"), "utf8"));
  for (const { manifest } of published) {
    const places = Object.entries(packages).filter(([place]) => place.endsWith(`node_modules/${manifest.name}`));
    const isOurs = places.length === 1 && String(places[0][1].resolved).startsWith("file:");
    if (!isOurs) fail(`${manifest.name} was not installed once, from its tarball: ${JSON.stringify(places)}`);
  }
}

function typesVersion() {
  return manifestOf(join(root, "node_modules/@types/node")).version;
}

/** The Node that runs this, or one out of the registry. */
function nodeOf(version) {
  if (process.versions.node.split(".")[0] === version) return process.execPath;
  const folder = join(work, `node-${version}`);
  mkdirSync(folder);
  run(
    "npm",
    [
      "install",
      "--ignore-scripts",
      "--no-audit",
      "--no-fund",
      "--prefix",
      folder,
      `node-${process.platform}-${process.arch}@${version}`,
    ],
    folder,
  );
  const [bin] = readdirSync(join(folder, "node_modules")).filter((name) => name.startsWith("node-"));
  return join(folder, "node_modules", bin, "bin/node");
}

function run(command, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: "utf8", maxBuffer: 1 << 28 });
  if (status !== 0) fail(`${command} ${args.join(" ")} ended with ${status ?? error}\n${stdout}\n${stderr}`);
  return stdout;
}

function say(line) {
  process.stdout.write(`${line}\n`);
}

function fail(why) {
  process.stderr.write(`packages: ${why}\n`);
  process.exit(1);
}
