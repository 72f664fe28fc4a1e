/**
 * Real input: node_modules, some 7,000 files of all sizes, goes in through one node and is read back byte for byte through each of the
 * others. The long form adds as many made files as make 20,000.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { useCluster } from "./support/cluster.js";
import { kv, type Http } from "./support/http.js";
import { kvorum } from "./support/program.js";
import { valueOf } from "./support/values.js";

const isLong = process.env["KVORUM_TEST_LONG"] !== undefined;
const nodeModules = fileURLToPath(new URL("../node_modules", import.meta.url));
const VALUE_BYTES_MAX = 1024 * 1024;
const FILES_LONG = 20_000;
const LONG_MS = 1_800_000;

const cluster = useCluster();
let root: string;

interface Tree {
  readonly files: readonly { readonly key: string; readonly path: string; readonly bytes: number }[];
  readonly links: number;
}

/** What the import should see: files by their path below `folder`, links that it should not follow. */
async function treeOf(folder: string): Promise<Tree> {
  const files: Tree["files"][number][] = [];
  let links = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isSymbolicLink()) links++;
    else if (entry.isFile()) files.push({ key: relative(folder, path), path, bytes: (await stat(path)).size });
  }
  return { files, links };
}

async function readBack(http: Http, bucket: string, files: Tree["files"]): Promise<string[]> {
  const wrong: string[] = [];
  const queue = files.values();
  const lane = async (): Promise<void> => {
    for (const { key, path } of queue) {
      const [reply, bytes] = await Promise.all([http.get(kv(bucket, key)), readFile(path)]);
      if (reply.status !== 200 || !reply.body.equals(bytes)) wrong.push(`${key}: ${reply.status}`);
    }
  };
  await Promise.all(Array.from({ length: 16 }, lane));
  return wrong;
}

/** Files of all sizes up to the limit and beyond, odd names, and links: what a tree of packages may lack. */
async function makeOddities(folder: string): Promise<void> {
  await mkdir(join(folder, "odd", "__proto__", "a b", "ä"), { recursive: true });
  const sizes = [0, 1, 4096, 65_536, VALUE_BYTES_MAX - 1, VALUE_BYTES_MAX, VALUE_BYTES_MAX + 1, 3 * VALUE_BYTES_MAX];
  for (const size of sizes) {
    await writeFile(join(folder, "odd", `${size}.bin`), valueOf(`size-${size}`, size).subarray(0, size));
  }
  for (const name of ["%2F", "..x", "a?b#c", "__proto__/x", "__proto__/a b/ä/👍"])
    await writeFile(join(folder, "odd", name), name);
  await symlink("0.bin", join(folder, "odd", "link to a file"));
  await symlink("..", join(folder, "odd", "link to a folder"));
  await symlink("nowhere", join(folder, "odd", "link to nothing"));
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "kvorum-import-"));
  await makeOddities(root);
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function imports(bucket: string, folder: string): Promise<void> {
  const { files, links } = await treeOf(folder);
  const small = files.filter(({ bytes }) => bytes <= VALUE_BYTES_MAX);
  const large = files.filter(({ bytes }) => bytes > VALUE_BYTES_MAX);
  const [first, ...others] = cluster().nodes.map(({ http }) => http);
  const url = (first as Http).url;
  const ended = await kvorum(["import", bucket, "--dir", folder, "--url", url, "--json"], { deadlineMs: 900_000 });
  const words = ended.stderr.slice(-2000);
  // Some could not be stored: the exit code says so, and each is named.
  expect(ended.code, words).toBe(large.length > 0 ? 1 : 0);
  const summary = JSON.parse(ended.stdout.toString()) as Record<string, unknown> & {
    readonly tooLarge: readonly { readonly where: string }[];
    readonly skipped: readonly unknown[];
    readonly seconds: number;
  };
  expect(summary["stored"], words).toBe(small.length);
  expect(summary["failed"]).toEqual([]);
  expect(summary["bytes"]).toBe(small.reduce((sum, { bytes }) => sum + bytes, 0));
  expect(summary.tooLarge.map(({ where }) => where).toSorted()).toEqual(large.map(({ key }) => key).toSorted());
  for (const { key } of large) expect(ended.stderr).toContain(key);
  expect(summary.skipped.length).toBe(links);

  const begun = performance.now();
  for (const http of others) expect(await readBack(http, bucket, small)).toEqual([]);
  const readSeconds = (performance.now() - begun) / 1000;
  const rate = (count: number, seconds: number): string => `${Math.round(count / seconds)}/s`;
  console.log(
    `${bucket}: ${small.length} files, ${Math.round((summary["bytes"] as number) / 2 ** 20)} MiB stored (${rate(small.length, summary.seconds)}), ` +
      `read back twice (${rate(2 * small.length, readSeconds)}); ${large.length} too large, ${links} links`,
  );
}

it("every size up to the limit, odd names, links: each stored, or reported", async () => {
  await imports("odd", root);
  // Nothing came in by way of a link.
  const { keys } = await cluster().node(1).http.json<{ keys: string[] }>("/v1/kv/odd");
  expect(keys.filter((key) => key.includes("link"))).toEqual([]);
});

/** Made files, most of them small, the largest at the limit. */
async function makeMore(folder: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const inner = join(folder, String(i % 100));
    if (i < 100) await mkdir(inner, { recursive: true });
    const size = Math.floor(2 ** (((i * 7919) % 201) / 10));
    await writeFile(join(inner, `${i}.bin`), valueOf(`file-${i}`, size).subarray(0, size));
  }
}

it(
  "node_modules: byte for byte through each of the other nodes",
  async () => {
    await imports("files", nodeModules);
  },
  LONG_MS,
);

it.runIf(isLong)(
  `${FILES_LONG} files and more, byte for byte through each of the other nodes`,
  async () => {
    const { files } = await treeOf(nodeModules);
    const more = join(root, "more");
    await makeMore(more, Math.max(0, FILES_LONG - files.length));
    await imports("more", more);
  },
  LONG_MS,
);
