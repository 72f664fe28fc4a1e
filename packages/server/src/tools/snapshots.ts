/**
 * Snapshots of a running node's folder for whoever asks over HTTP: links in a folder of their own inside the data folder, one at a time, gone when they
 * have been sent, and at the next start where a process ended before that.
 */
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { DataFolderError } from "../data-folder/errors.js";
import { FORMAT_FILE } from "../data-folder/format-file.js";
import type { Snapshots } from "../doors/http/snapshots.js";
import { backupFolder } from "./backup-folder.js";
import { backupStream, streamBytes, type BackupFile } from "./backup-stream.js";
import { LOG_FOLDER } from "./log-folder.js";

/** While it lies there, merging gives no space back of what it holds. */
const SNAPSHOT_FOLDER = "backup.tmp";

export class FolderSnapshots implements Snapshots {
  #isTaken = false;

  private constructor(readonly data: string) {}

  /** Clears what a process left that ended in the middle. The caller holds the folder's lock. */
  static async open(data: string): Promise<FolderSnapshots> {
    await rm(join(data, SNAPSHOT_FOLDER), { recursive: true, force: true });
    return new FolderSnapshots(data);
  }

  async take(): ReturnType<Snapshots["take"]> {
    if (this.#isTaken) return { kind: "busy" };
    this.#isTaken = true;
    const folder = join(this.data, SNAPSHOT_FOLDER);
    try {
      await backupFolder(this.data, folder);
      const files = await filesOf(folder);
      const stream = Readable.from(backupStream(files), { objectMode: false, highWaterMark: 1 });
      const discard = async (): Promise<void> => {
        stream.destroy();
        await this.#clear(folder);
      };
      return { kind: "snapshot", bytes: streamBytes(files), stream, discard };
    } catch (error) {
      await this.#clear(folder);
      if (error instanceof DataFolderError) return { kind: "failed", reason: error.message };
      throw error;
    }
  }

  async #clear(folder: string): Promise<void> {
    await rm(folder, { recursive: true, force: true });
    this.#isTaken = false;
  }
}

/** The file that makes a backup of the others comes last. */
async function filesOf(folder: string): Promise<readonly BackupFile[]> {
  const names = (await readdir(join(folder, LOG_FOLDER))).toSorted().map((name) => `${LOG_FOLDER}/${name}`);
  const files: BackupFile[] = [];
  for (const name of [...names, FORMAT_FILE]) {
    const path = join(folder, name);
    files.push({ name, path, bytes: (await stat(path)).size });
  }
  return files;
}
