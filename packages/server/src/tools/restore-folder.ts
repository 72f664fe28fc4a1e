/**
 * `kvorum restore`: a data folder from a backup that is nobody that there is already. One member of a living cluster comes back as a new instance, with none
 * of the old data: a copy from yesterday would bring back what was deleted since. All members together begin a new cluster with their data.
 */
import { getRandomValues } from "node:crypto";
import { constants, copyFile, mkdir, readdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { beginJoining, beginNewCluster, type CopyOf, type Primitives, type StorageError } from "@kvorum/core";
import type { LogStorage } from "@kvorum/store";
import { openDataFolder } from "../data-folder/data-folder.js";
import { DataFolderError } from "../data-folder/errors.js";
import { openLogStorage } from "../storage/open-log-storage.js";
import { version } from "../version.js";
import { createPrimitives, LOG_FOLDER, logFolderOf, ownerOf, refuseExisting } from "./log-folder.js";

export interface RestoreOptions {
  /** The backup. */
  readonly from: string;
  /** The data folder to make. */
  readonly data: string;
  /** All members' backups become the cluster of this label; undefined: this member joins the cluster that lives. */
  readonly newCluster: string | undefined;
}

export interface Restored extends CopyOf {
  readonly data: string;
  readonly mode: "member" | "new-cluster";
}

export async function restoreFolder({ from, data, newCluster }: RestoreOptions): Promise<Restored> {
  const source = await logFolderOf(from);
  const primitives = await createPrimitives();
  const owner = await ownerOf(source, primitives);
  if (owner === undefined) throw new DataFolderError(`${resolve(from)} can't tell whose it is: use another backup`);
  const target = resolve(data);
  await refuseExisting(target);
  const folder = await openDataFolder(target, { engine: LOG_FOLDER, createdBy: `kvorum ${version}` });
  let isDone = false;
  try {
    if (newCluster !== undefined) await copyLog(source, folder.storagePath);
    const storage = await openLogStorage({ path: folder.storagePath, primitives });
    let restored: CopyOf;
    try {
      restored = await told(storage, primitives, owner, newCluster);
    } finally {
      await closed(storage);
    }
    isDone = true;
    return { ...restored, data: target, mode: newCluster === undefined ? "member" : "new-cluster" };
  } finally {
    await folder.release();
    // What is not whole must not be started.
    if (!isDone) await rm(target, { recursive: true, force: true });
  }
}

async function told(
  storage: LogStorage,
  primitives: Primitives,
  owner: CopyOf,
  newCluster: string | undefined,
): Promise<CopyOf> {
  const result = await new Promise<CopyOf | StorageError | "unreadable">((done) => {
    if (newCluster !== undefined) return beginNewCluster(primitives, storage, newCluster, done);
    beginJoining(primitives, storage, drawInstance(), (error) => done(error ?? owner));
  });
  if (typeof result === "object") return result;
  const why =
    result === "unreadable" ? "the backup's identity or boot record is damaged" : `the disk is or has ${result}`;
  throw new DataFolderError(`nothing was restored: ${why}`);
}

/** Copies, not links: a start cuts and closes what the backup holds open. */
async function copyLog(from: string, to: string): Promise<void> {
  await mkdir(to);
  for (const name of await readdir(from)) await copyFile(join(from, name), join(to, name), constants.COPYFILE_FICLONE);
}

function drawInstance(): number {
  return getRandomValues(new Uint8Array(6)).reduce((number, byte) => number * 256 + byte, 0) || 1;
}

function closed(storage: LogStorage): Promise<void> {
  return new Promise((done) => storage.close(done));
}
