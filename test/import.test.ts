/**
 * Real input: node_modules, files of all sizes, goes in through one node and is read back byte for byte through each of the others, beside a folder of
 * what a tree of packages may lack. The short form takes some of its folders, the long one all, into as many buckets as make 20,000 files.
 */
import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { count } from "../packages/core/test/counts.js";
import { useCluster } from "./support/cluster.js";
import { kv } from "./support/http.js";
import { inTurns } from "./support/in-turns.js";
import type { KvorumNode } from "./support/node.js";
import { kvorum } from "./support/program.js";

const nodeModules = fileURLToPath(new URL("../node_modules", import.meta.url));
const VALUE_BYTES_MAX = 1024 * 1024;
/** Fewer are no real input: the run is void. */
const FILES_MIN = count(800, 20_000);
const FOLDERS: readonly string[] = [".bin", "@types", "ajv", "fastify", "typescript", "vitest"];
const READS_AT_ONCE = 64;
const TEST_MS = count(240_000, 1_800_000);

interface File {
  readonly key: string;
  readonly path: string;
  readonly bytes: number;
  readonly hash: string;
}

/** What an import of the folder should find. */
interface Tree {
  readonly small: readonly File[];
  readonly large: readonly File[];
  readonly links: readonly string[];
}

interface Summary {
  readonly stored: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly retries: number;
  readonly failed: readonly unknown[];
  readonly tooLarge: readonly { readonly where: string }[];
  readonly skipped: readonly { readonly where: string }[];
}

const cluster = useCluster();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kvorum-import-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function treeOf(root: string): Promise<Tree> {
  const files: File[] = [];
  const links: string[] = [];
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const key = relative(root, path);
    if (entry.isSymbolicLink()) links.push(key);
    if (!entry.isFile()) continue;
    const value = await readFile(path);
    files.push({ key, path, bytes: value.length, hash: hashOf(value) });
  }
  const small = files.filter(({ bytes }) => bytes <= VALUE_BYTES_MAX);
  return { small, large: files.filter(({ bytes }) => bytes > VALUE_BYTES_MAX), links };
}

function hashOf(value: Uint8Array): string {
  return createHash("sha256").update(value).digest("hex");
}

function sorted(items: readonly { readonly where: string }[]): string[] {
  return items.map(({ where }) => where).toSorted();
}

/** `kvorum import` of the folder through the first node; every file is stored, or reported by name. */
async function importThroughFirst(bucket: string, root: string, { small, large, links }: Tree): Promise<string> {
  const args = ["import", bucket, "--dir", root, "--url", cluster().node(0).http.url, "--json"];
  const { code, stdout, stderr } = await kvorum(args, { deadlineMs: TEST_MS });
  const summary = JSON.parse(stdout.toString()) as Summary;
  expect(summary.failed, stderr.slice(-2000)).toEqual([]);
  expect(summary.stored).toBe(small.length);
  expect(summary.bytes).toBe(small.reduce((sum, { bytes }) => sum + bytes, 0));
  expect(sorted(summary.tooLarge)).toEqual(large.map(({ key }) => key).toSorted());
  expect(sorted(summary.skipped)).toEqual(links.toSorted());
  // Not all could be stored: the exit code says so, and the words say which.
  expect(code).toBe(large.length === 0 ? 0 : 1);
  for (const { key } of large) expect(stderr).toContain(`too large: ${key}: `);
  return `${small.length} files, ${(summary.bytes / 1e6).toFixed(1)} MB stored, ${rate(small.length, summary.seconds)}`;
}

/** Every file through one node, many requests in flight, each compared byte for byte. */
async function readBack(node: KvorumNode, bucket: string, files: readonly File[]): Promise<string> {
  const wrong: string[] = [];
  const begunMs = performance.now();
  await inTurns(files, READS_AT_ONCE, async ({ key, path, hash }) => {
    const [{ status, body }, bytes] = await Promise.all([node.http.get(kv(bucket, key)), readFile(path)]);
    if (status !== 200 || !body.equals(bytes) || hashOf(body) !== hash) wrong.push(`${key}: ${status}`);
  });
  expect(wrong, `through ${node.name}`).toEqual([]);
  return `read back through ${node.name}, ${rate(files.length, (performance.now() - begunMs) / 1000)}`;
}

function rate(files: number, seconds: number): string {
  return `${Math.round(files / seconds)} files/s`;
}

async function importAndReadBack(bucket: string, root: string, tree: Tree): Promise<void> {
  const told = [await importThroughFirst(bucket, root, tree)];
  for (const node of cluster().nodes.slice(1)) told.push(await readBack(node, bucket, tree.small));
  console.log(`${bucket}: ${told.join("; ")}; ${tree.large.length} too large, ${tree.links.length} links`);
}

/** All keys of a bucket, in order. */
async function keysOf({ http }: KvorumNode, bucket: string): Promise<string[]> {
  const keys: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const from: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const page: { keys: string[]; cursor: string | null } = await http.json(`/v1/kv/${bucket}?limit=10000${from}`);
    keys.push(...page.keys);
    cursor = page.cursor;
  }
  return keys.toSorted();
}

it("every size up to the limit, odd names and links: each is stored, or reported", async () => {
  const root = join(folder, "odd");
  await mkdir(join(root, "__proto__", "a b", "ä"), { recursive: true });
  const sizes = [0, 1, 4096, 65_536, VALUE_BYTES_MAX - 1, VALUE_BYTES_MAX, VALUE_BYTES_MAX + 1, 3 * VALUE_BYTES_MAX];
  for (const size of sizes) await writeFile(join(root, `${size}.bin`), Buffer.alloc(size, `${size};`));
  for (const name of ["%2F", "..x", "a?b#c", "-", "__proto__/x", "__proto__/a b/ä/👍"]) {
    await writeFile(join(root, name), name);
  }
  await symlink("0.bin", join(root, "to a file"));
  await symlink("..", join(root, "to a folder above"));
  await symlink("/etc/hostname", join(root, "to a file elsewhere"));
  await symlink("nowhere", join(root, "to nothing"));
  const tree = await treeOf(root);
  await importAndReadBack("odd", root, tree);
  expect(await keysOf(cluster().node(1), "odd")).toEqual(tree.small.map(({ key }) => key).toSorted());
});

it(
  `node_modules, ${FILES_MIN} files or more: byte for byte through each of the other nodes`,
  async () => {
    const root = join(folder, "node_modules");
    // A copy, without the caches of tools: those change while tests run.
    const folders = count(1, 0)
      ? FOLDERS
      : (await readdir(nodeModules)).filter((name) => !/^\.(vite|kvorum)/.test(name));
    for (const name of folders) {
      await cp(join(nodeModules, name), join(root, name), { recursive: true, verbatimSymlinks: true });
    }
    const tree = await treeOf(root);
    const times = count(1, Math.ceil(FILES_MIN / tree.small.length));
    expect(times * tree.small.length).toBeGreaterThanOrEqual(FILES_MIN);
    for (let i = 1; i <= times; i++) {
      const bucket = `files-${i}`;
      await importAndReadBack(bucket, root, tree);
      expect(await keysOf(cluster().node(2), bucket)).toEqual(tree.small.map(({ key }) => key).toSorted());
    }
  },
  TEST_MS,
);
