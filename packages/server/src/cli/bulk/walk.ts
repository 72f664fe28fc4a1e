/** `import --dir`: every regular file below a folder as one entry, its key the path with `/` between the parts. Links are not followed. */
import { isUtf8 } from "node:buffer";
import { constants, type Dirent } from "node:fs";
import { lstat, open, readdir, type FileHandle } from "node:fs/promises";
import { Readable } from "node:stream";
import { limits, utf8Length } from "@kvorum/core";
import { messageOf } from "../exit.js";
import type { LazyBody } from "../http-client.js";
import { contentTypeOf } from "./content-types.js";
import type { ImportEntry, Rejected, SourceItem } from "./entry.js";

/** Larger files are offered to the server before they are read: it may not take them. */
const READ_WHOLE_BYTES_MAX = 1024 * 1024;

const SLASH = Buffer.from("/");

/**
 * In the order of the names' bytes, folders where they stand. Paths are bytes until they are proven UTF-8: a name that is not would
 * come back from the system as another one.
 */
export async function* walk(root: string): AsyncGenerator<SourceItem> {
  yield* walkFolder(Buffer.from(root), Buffer.alloc(0));
}

async function* walkFolder(root: Buffer, below: Buffer): AsyncGenerator<SourceItem> {
  const folder = below.length === 0 ? root : join(root, below);
  let names: Dirent<Buffer>[];
  try {
    names = await readdir(folder, { withFileTypes: true, encoding: "buffer" });
  } catch (error) {
    // The folder that was asked for must be readable; one below it is reported like a file.
    if (below.length === 0) throw error;
    yield rejected(below, messageOf(error), "failed");
    return;
  }
  for (const entry of names.toSorted((a, b) => Buffer.compare(a.name, b.name))) {
    const path = below.length === 0 ? entry.name : join(below, entry.name);
    if (entry.isDirectory()) yield* walkFolder(root, path);
    else if (entry.isFile()) yield await fileItem(join(root, path), path);
    else yield rejected(path, entry.isSymbolicLink() ? "a link" : "not a regular file", "skipped");
  }
}

async function fileItem(file: Buffer, path: Buffer): Promise<SourceItem> {
  const key = path.toString("utf8");
  if (!isUtf8(path)) return rejected(path, "its name is not UTF-8, which keys are", "failed");
  if (utf8Length(key) > limits.keyBytesMax) {
    return rejected(path, `its path has ${path.length} bytes, a key at most ${limits.keyBytesMax}`, "failed");
  }
  try {
    const { size } = await lstat(file);
    return { entry: fileEntry(file, key, size), progress: 1 };
  } catch (error) {
    return rejected(path, messageOf(error), "failed");
  }
}

function fileEntry(file: Buffer, key: string, bytes: number): ImportEntry {
  return {
    key,
    bytes,
    contentType: contentTypeOf(key),
    open: async () => (bytes <= READ_WHOLE_BYTES_MAX ? await readWhole(file) : lazyFile(file, bytes)),
  };
}

/** What stood there as a file may be a link by now: it is not followed then either. */
const READ_NO_LINK = constants.O_RDONLY | constants.O_NOFOLLOW;

async function readWhole(file: Buffer): Promise<Uint8Array> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, READ_NO_LINK);
    return await handle.readFile();
  } finally {
    await handle?.close();
  }
}

function lazyFile(file: Buffer, bytes: number): LazyBody {
  return { bytes, open: () => Readable.from(chunksOf(file, bytes)) };
}

/** A file that grows meanwhile is taken as long as it was when it was found; one that shrinks fails its request. */
async function* chunksOf(file: Buffer, bytes: number): AsyncGenerator<Buffer> {
  const handle = await open(file, READ_NO_LINK);
  let left = bytes;
  try {
    for await (const chunk of handle.createReadStream({ start: 0, end: bytes - 1, autoClose: false })) {
      left -= (chunk as Buffer).length;
      yield chunk as Buffer;
    }
  } finally {
    await handle.close();
  }
  if (left > 0) throw new Error("the file became shorter while it was read");
}

function rejected(path: Buffer, reason: string, kind: Rejected["kind"]): SourceItem {
  return { rejected: { where: path.toString("utf8"), reason, kind }, progress: 1 };
}

function join(folder: Buffer, name: Buffer): Buffer {
  return Buffer.concat([folder, SLASH, name]);
}
