/**
 * `kvorum backup`: a consistent snapshot of a data folder, while a node runs on it and without its help. Closed segments never change and are linked;
 * what is being written to is copied. Nothing is stopped, so the look is repeated when the set of segments changed meanwhile.
 */
import { constants, copyFile, link, mkdir, open, readdir, readFile, rm, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { DataFolderError } from "../data-folder/errors.js";
import { FORMAT_FILE } from "../data-folder/format-file.js";
import { syncFolder } from "../data-folder/sync-folder.js";
import { createPrimitives, LOG_FOLDER, logFolderOf, ownerOf, refuseExisting } from "./log-folder.js";

export interface BackupReport {
  readonly to: string;
  /** Whose data it is. */
  readonly name: string;
  readonly cluster: string;
  readonly files: number;
  readonly bytes: number;
}

const ATTEMPTS_MAX = 20;
const MANIFEST = "MANIFEST";
const SEGMENT = /^([0-9]{8,10})\.log$/;

/** Rejects with a {@link DataFolderError}, and leaves nothing behind, where there is nothing to be backed up or no place for it. */
export async function backupFolder(data: string, to: string): Promise<BackupReport> {
  const from = await logFolderOf(data);
  const target = resolve(to);
  await refuseExisting(target);
  await mkdir(join(target, LOG_FOLDER), { recursive: true });
  try {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      if (await snapshot(from, join(target, LOG_FOLDER))) return await finish(data, target);
      await rm(join(target, LOG_FOLDER), { recursive: true });
      await mkdir(join(target, LOG_FOLDER));
    }
    throw new DataFolderError(`${from} changed at every look: its node merges all the time; try again later`);
  } catch (error) {
    await rm(target, { recursive: true, force: true });
    if (error instanceof DataFolderError) throw error;
    throw new DataFolderError(`${from} can't be backed up to ${target}: ${(error as Error).message}`, { cause: error });
  }
}

/** False where the set of segments changed while it was taken. */
async function snapshot(from: string, to: string): Promise<boolean> {
  const manifest = await readFile(join(from, MANIFEST));
  const names = await readdir(from);
  const segments = names.filter((name) => SEGMENT.test(name)).toSorted();
  try {
    // The last first: whatever a later segment holds came after all of an earlier one, which is then taken whole.
    for (const name of segments.toReversed()) {
      const index = name.replace(/log$/, "idx");
      if (names.includes(index)) {
        await linked(from, to, name);
        await linked(from, to, index);
      } else {
        await copied(from, to, name);
      }
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
  if (!manifest.equals(await readFile(join(from, MANIFEST)))) return false;
  await copied(from, to, MANIFEST);
  return manifest.equals(await readFile(join(to, MANIFEST)));
}

async function linked(from: string, to: string, name: string): Promise<void> {
  try {
    await link(join(from, name), join(to, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
    await copied(from, to, name);
  }
}

async function copied(from: string, to: string, name: string): Promise<void> {
  await copyFile(join(from, name), join(to, name), constants.COPYFILE_FICLONE);
  const file = await open(join(to, name), "r+");
  await file.datasync();
  await file.close();
}

async function finish(data: string, target: string): Promise<BackupReport> {
  const log = join(target, LOG_FOLDER);
  const owner = await ownerOf(log, await createPrimitives());
  if (owner === undefined)
    throw new DataFolderError(`${resolve(data)} can't tell whose it is: its identity can't be read`);
  // Last: a folder without it is no backup.
  await copied(resolve(data), target, basename(FORMAT_FILE));
  for (const folder of [log, target, resolve(target, "..")]) await syncFolder(folder);
  const names = await readdir(log);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(log, name))).size));
  return { to: target, ...owner, files: names.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}
