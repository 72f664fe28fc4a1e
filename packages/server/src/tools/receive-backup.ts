/** Makes a backup's folder from its stream: whole and on the disk, or not at all. */
import { createHash } from "node:crypto";
import { mkdir, open, rm, type FileHandle } from "node:fs/promises";
import { join, resolve } from "node:path";
import { DataFolderError } from "../data-folder/errors.js";
import { FORMAT_FILE } from "../data-folder/format-file.js";
import { syncFolder } from "../data-folder/sync-folder.js";
import type { BackupReport } from "./backup-folder.js";
import { DIGEST_BYTES, END_HEAD_BYTES, FILE_HEAD_BYTES, MAGIC, marks, STREAM_VERSION } from "./backup-stream.js";
import { createPrimitives, LOG_FOLDER, ownerOf, refuseExisting } from "./log-folder.js";

/** The bytes are not those that were sent, or not all of them. */
export class BrokenBackupError extends Error {
  override readonly name = "BrokenBackupError";
}

/** What a stream may name: nothing outside of the folder. */
const NAME = /^(?:FORMAT|log\/[A-Za-z0-9][A-Za-z0-9._-]{0,63})$/;
const FORMAT_BYTES_MAX = 64 * 1024;

/** Rejects with a {@link BrokenBackupError} or a {@link DataFolderError}, and leaves nothing behind, where the backup did not come whole. */
export async function receiveBackup(source: AsyncIterable<Uint8Array>, to: string): Promise<BackupReport> {
  const target = resolve(to);
  await refuseExisting(target);
  try {
    await mkdir(join(target, LOG_FOLDER), { recursive: true });
    const received = await receiveFiles(new Bytes(source), target);
    const owner = await ownerOf(join(target, LOG_FOLDER), await createPrimitives());
    if (owner === undefined)
      throw new BrokenBackupError("what came can't tell whose it is: its identity can't be read");
    // Last: a folder without it is no backup.
    await written(join(target, FORMAT_FILE), (file) => file.writeFile(received.format));
    for (const folder of [join(target, LOG_FOLDER), target, resolve(target, "..")]) await syncFolder(folder);
    return { to: target, ...owner, files: received.files - 1, bytes: received.bytes };
  } catch (error) {
    await rm(target, { recursive: true, force: true });
    if (error instanceof BrokenBackupError || !isOfDisk(error)) throw error;
    throw new DataFolderError(`${target} can't be written: ${(error as Error).message}`, { cause: error });
  }
}

function isOfDisk(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).syscall !== undefined && (error as NodeJS.ErrnoException).path !== undefined;
}

interface Received {
  readonly format: Buffer;
  readonly files: number;
  /** Of the log's files. */
  readonly bytes: number;
}

/** Everything but the file that makes a backup of it, which is kept back until the end has been seen. */
async function receiveFiles(source: Bytes, target: string): Promise<Received> {
  const begin = await source.exactly(MAGIC.length + 1);
  if (!begin.subarray(0, MAGIC.length).equals(MAGIC)) throw new BrokenBackupError("what came is no backup");
  const version = begin[MAGIC.length] as number;
  if (version !== STREAM_VERSION) throw new BrokenBackupError(`the backup has version ${version}, this reads 1`);
  let format: Buffer | undefined;
  let files = 0;
  let bytes = 0;
  for (;;) {
    const mark = await source.exactly(1);
    if (mark[0] === marks.end) break;
    if (mark[0] !== marks.file) throw new BrokenBackupError("what came is damaged");
    const head = await source.exactly(FILE_HEAD_BYTES - 1);
    const size = Number(head.readBigUInt64BE(2));
    const name = (await source.exactly(head.readUInt16BE(0))).toString();
    if (!NAME.test(name)) throw new BrokenBackupError(`what came names a file ${JSON.stringify(name.slice(0, 80))}`);
    files++;
    if (name === FORMAT_FILE) {
      if (size > FORMAT_BYTES_MAX) throw new BrokenBackupError("what came is damaged");
      format = await source.exactly(size);
      continue;
    }
    bytes += size;
    await written(join(target, name), async (file) => {
      for await (const chunk of source.next(size)) await file.write(chunk);
    });
  }
  await refuseWrongEnd(source, files);
  if (format === undefined) throw new BrokenBackupError("what came has no file FORMAT");
  return { format, files, bytes };
}

async function refuseWrongEnd(source: Bytes, files: number): Promise<void> {
  const said = (await source.exactly(END_HEAD_BYTES - 1)).readUInt32BE();
  const digest = source.digest();
  const isSame = (await source.exactly(DIGEST_BYTES)).equals(digest);
  if (said !== files || !isSame || !(await source.isAtEnd())) throw new BrokenBackupError("what came is damaged");
}

/** A file that was not there, with what `write` puts into it, on the disk. */
async function written(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, "wx");
  try {
    await write(file);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** A stream taken in pieces of known sizes, and the checksum of what was taken. */
class Bytes {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #hash = createHash("sha256");
  #held: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  async exactly(size: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for await (const piece of this.next(size)) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  async *next(size: number): AsyncGenerator<Buffer> {
    for (let left = size; left > 0;) {
      if (this.#held.length === 0 && !(await this.#more())) {
        throw new BrokenBackupError("the backup was cut off before its end");
      }
      const piece = this.#held.subarray(0, left);
      this.#held = this.#held.subarray(piece.length);
      this.#hash.update(piece);
      left -= piece.length;
      yield piece;
    }
  }

  async isAtEnd(): Promise<boolean> {
    return this.#held.length === 0 && !(await this.#more());
  }

  /** Of what was taken so far. */
  digest(): Buffer {
    return this.#hash.copy().digest();
  }

  /** False where nothing more comes. */
  async #more(): Promise<boolean> {
    const { done, value } = await this.#chunks.next();
    if (done === true) return false;
    this.#held = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return this.#held.length > 0 || (await this.#more());
  }
}
