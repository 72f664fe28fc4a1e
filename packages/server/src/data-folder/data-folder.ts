/** The folder that a node lives in: opened by one process at a time, and only in a format that this Kvorum knows (DESIGN §8). */
import { mkdir, readdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { DataFolderError } from "./errors.js";
import { FORMAT_FILE, FORMAT_FILE_TEMPORARY, readFormat, writeFormat } from "./format-file.js";
import { isLockFile, Lock } from "./lock.js";
import { syncFolder } from "./sync-folder.js";

export interface DataFolderOptions {
  /** The storage engine that will keep its files here; a folder of another one is refused. */
  readonly engine: string;
  /** Name and version of this program, for people who find the folder. */
  readonly createdBy: string;
}

export interface DataFolder {
  readonly path: string;
  /** Where the engine keeps its files. */
  readonly storagePath: string;
  /** Lets the next process in. Close the storage first. */
  release(): Promise<void>;
}

/**
 * Takes the folder for this process, and makes it where it is missing or empty. Rejects with a {@link DataFolderError}, and leaves
 * everything as it was, when the folder is in use, is not Kvorum's, or has a format or an engine that this one cannot read.
 */
export async function openDataFolder(path: string, options: DataFolderOptions): Promise<DataFolder> {
  const folder = resolve(path);
  let lock: Lock | undefined;
  try {
    await makeFolder(folder);
    // Before the lock, which is a file too: nothing is written into a folder of somebody else.
    await refuseForeign(folder);
    lock = await Lock.acquire(folder);
    await settleFormat(folder, options);
  } catch (error) {
    await lock?.release();
    if (error instanceof DataFolderError) throw error;
    const { message } = error as Error;
    throw new DataFolderError(`${folder} cannot be used as a data folder: ${message}`, { cause: error });
  }
  const held = lock;
  return { path: folder, storagePath: join(folder, options.engine), release: () => held.release() };
}

/**
 * Makes it and the folders above it that are missing. Not by mkdir's own `recursive`: where a file system answers ENOENT to whoever may make nothing
 * in it (/proc does), that one tries for ever.
 */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return;
    if (code !== "ENOENT" || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await mkdir(path).catch(unlessThere);
  }
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}

/** What may lie in a folder that Kvorum has not begun, or was killed while it began; `lost+found` is the root of a disk of its own. */
function isHarmless(name: string): boolean {
  return isLockFile(name) || name === FORMAT_FILE_TEMPORARY || name === "lost+found";
}

async function refuseForeign(folder: string): Promise<void> {
  const names = await readdir(folder);
  if (names.includes(FORMAT_FILE) || names.every(isHarmless)) return;
  throw new DataFolderError(`${folder} is not empty and not a Kvorum data folder: name an empty or a new one`);
}

async function settleFormat(folder: string, { engine, createdBy }: DataFolderOptions): Promise<void> {
  const format = await readFormat(folder);
  if (format === undefined) {
    await writeFormat(folder, { engine, createdBy });
    await syncFolder(dirname(folder));
  } else if (format.engine !== engine) {
    throw new DataFolderError(
      `${folder} was made for the storage engine "${format.engine}", not "${engine}": start with --engine ${format.engine}, or name a new folder`,
    );
  }
}
