/** The stream of a backup: what goes in comes out; what was cut off or changed anywhere, or names files elsewhere, leaves nothing behind. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Rng } from "@kvorum/core";
import { json, open, resolvers } from "kvorum";
import { checkFolder } from "../../src/tools/check-folder.js";
import { receiveBackup } from "../../src/tools/receive-backup.js";
import { FolderSnapshots } from "../../src/tools/snapshots.js";

const KEYS = 40;
let folder: string;
let stream: Buffer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kvorum-stream-"));
  const node = await open({ data: join(folder, "data"), name: "n1" });
  const numbers = node.bucket("numbers", { codec: json<number>(), resolve: resolvers.max<number>() });
  for (let i = 0; i < KEYS; i++) await numbers.put(`k${i}`, i);
  await node.close();
  const snapshots = await FolderSnapshots.open(join(folder, "data"));
  const taken = await snapshots.take();
  if (taken.kind !== "snapshot") throw new Error(taken.kind);
  expect(await snapshots.take()).toEqual({ kind: "busy" });
  const chunks: Buffer[] = [];
  for await (const chunk of taken.stream as AsyncIterable<Buffer>) chunks.push(chunk);
  await taken.discard();
  stream = Buffer.concat(chunks);
  expect(stream.length).toBe(taken.bytes);
  expect(await readdir(join(folder, "data"))).not.toContain("backup.tmp");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** In pieces of odd sizes, as a network gives them. */
async function* sent(bytes: Uint8Array, rng: Rng): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length;) {
    const size = 1 + rng.below(rng.pick([3, 100, 100_000]));
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function refused(bytes: Uint8Array, rng: Rng): Promise<unknown> {
  const to = join(folder, "refused");
  const error: unknown = await receiveBackup(sent(bytes, rng), to).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(await readdir(folder)).not.toContain("refused");
  return error;
}

it("makes a folder that can be checked, of whose data nothing is missing", async () => {
  const to = join(folder, "received");
  const report = await receiveBackup(sent(stream, new Rng(1)), to);
  expect(report).toMatchObject({ to, name: "n1" });
  const check = await checkFolder(to);
  expect(check).toMatchObject({ damagedRecords: [], damagedFacts: [], problems: [] });
  expect(check.keys).toBe(KEYS);
  const again = await open({ data: to, name: "n1" });
  const numbers = again.bucket("numbers", { codec: json<number>(), resolve: resolvers.max<number>() });
  for (let i = 0; i < KEYS; i++) expect((await numbers.get(`k${i}`))?.value).toBe(i);
  await again.close();
});

it("leaves nothing when it is cut off anywhere", async () => {
  const rng = new Rng(2);
  const ends = [0, 1, 8, 9, 10, stream.length - 1, stream.length - 32, stream.length - 33, stream.length - 37];
  for (const end of [...ends, ...Array.from({ length: 40 }, () => rng.below(stream.length))]) {
    expect(await refused(stream.subarray(0, end), rng), `cut off at ${end}`).toMatchObject({
      name: "BrokenBackupError",
    });
  }
});

it("leaves nothing when a bit of it was changed, or more comes behind it", async () => {
  const rng = new Rng(3);
  for (let round = 0; round < 60; round++) {
    const changed = Buffer.from(stream);
    const at = round < 20 ? round : rng.below(stream.length);
    changed[at] = (changed[at] as number) ^ (1 << rng.below(8));
    expect(await refused(changed, rng), `a bit at ${at}`).toBeInstanceOf(Error);
  }
  expect(await refused(Buffer.concat([stream, Buffer.from([0])]), rng)).toMatchObject({ name: "BrokenBackupError" });
});

it("writes no file but those of a data folder", async () => {
  for (const name of ["../evil", "log/../../evil", "/tmp/evil", "log/.hidden", "log/a/b", "FORMAT.tmp", "", "log/"]) {
    const head = Buffer.alloc(11);
    head[0] = 1;
    head.writeUInt16BE(Buffer.byteLength(name), 1);
    const error = await refused(Buffer.concat([stream.subarray(0, 9), head, Buffer.from(name)]), new Rng(4));
    expect(error, name).toMatchObject({ name: "BrokenBackupError" });
  }
});
