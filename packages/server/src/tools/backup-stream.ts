/**
 * A backup as one stream of bytes (docs/formats/backup.md): every file with its name and size, then an end that says how many there were and a checksum of
 * all that came before. What was cut off anywhere has no such end, and so is no backup.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { DataFolderError } from "../data-folder/errors.js";

export const MAGIC = Buffer.from("KVRMBKUP");
export const STREAM_VERSION = 1;
export const marks = { end: 0, file: 1 } as const;
export const DIGEST_BYTES = 32;
/** mark u8, name length u16, size u64; the name comes behind. */
export const FILE_HEAD_BYTES = 11;
/** mark u8, files u32; the digest comes behind. */
export const END_HEAD_BYTES = 5;

const READ_BYTES = 256 * 1024;

/** A file of a backup. */
export interface BackupFile {
  /** Below the backup's folder, with slashes. */
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
}

/** How long the stream of these files is. */
export function streamBytes(files: readonly BackupFile[]): number {
  const head = MAGIC.length + 1;
  const end = END_HEAD_BYTES + DIGEST_BYTES;
  return files.reduce((sum, { name, bytes }) => sum + FILE_HEAD_BYTES + Buffer.byteLength(name) + bytes, head + end);
}

export async function* backupStream(files: readonly BackupFile[]): AsyncGenerator<Buffer> {
  const hash = createHash("sha256");
  const said = (bytes: Buffer): Buffer => {
    hash.update(bytes);
    return bytes;
  };
  yield said(Buffer.concat([MAGIC, Buffer.from([STREAM_VERSION])]));
  for (const file of files) {
    yield said(fileHead(file));
    let left = file.bytes;
    if (left > 0) {
      const contents = createReadStream(file.path, { end: left - 1, highWaterMark: READ_BYTES });
      for await (const chunk of contents as AsyncIterable<Buffer>) {
        left -= chunk.length;
        yield said(chunk);
      }
    }
    if (left > 0) throw new DataFolderError(`${file.path} became shorter while it was read`);
  }
  const end = Buffer.alloc(END_HEAD_BYTES);
  end.writeUInt8(marks.end);
  end.writeUInt32BE(files.length, 1);
  yield said(end);
  yield hash.digest();
}

function fileHead({ name, bytes }: BackupFile): Buffer {
  const encoded = Buffer.from(name);
  const head = Buffer.alloc(FILE_HEAD_BYTES);
  head.writeUInt8(marks.file);
  head.writeUInt16BE(encoded.length, 1);
  head.writeBigUInt64BE(BigInt(bytes), 3);
  return Buffer.concat([head, encoded]);
}
