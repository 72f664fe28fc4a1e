/** The disk port on Node's files: every call goes through the thread pool, so that a slow or hung disk does not stop the loop. */
import * as fs from "node:fs";
import { basename, join } from "node:path";
import type { Disk, DiskError, DiskFile, Done, Unlock } from "@kvorum/store";
import { Lock } from "../data-folder/lock.js";

/** What a failed call says of room: on the disk, under a quota, under the process's limit for a file. */
function errorOf(error: NodeJS.ErrnoException | null): DiskError | undefined {
  if (error === null) return undefined;
  return error.code === "ENOSPC" || error.code === "EDQUOT" || error.code === "EFBIG" ? "full" : "failed";
}

export class NodeDisk implements Disk {
  constructor(readonly folder: string) {}

  list(done: (names: readonly string[] | undefined) => void): void {
    fs.readdir(this.folder, (error, names) => done(error === null ? names : undefined));
  }

  open(name: string, done: (file: DiskFile | "absent" | "failed") => void): void {
    fs.open(this.#path(name), "r+", (error, descriptor) => {
      if (error !== null) return done(error.code === "ENOENT" ? "absent" : "failed");
      fs.fstat(descriptor, (failed, stats) => done(failed === null ? new NodeFile(descriptor, stats.size) : "failed"));
    });
  }

  create(name: string, done: (file: DiskFile | DiskError) => void): void {
    fs.open(this.#path(name), "w+", (error, descriptor) => done(errorOf(error) ?? new NodeFile(descriptor, 0)));
  }

  rename(from: string, to: string, done: Done): void {
    fs.rename(this.#path(from), this.#path(to), (error) => done(errorOf(error)));
  }

  /** Where the other folder is on another file system, the bytes are copied. */
  link(name: string, folder: string, done: Done): void {
    const to = join(folder, basename(name));
    fs.link(this.#path(name), to, (error) => {
      if (error?.code !== "EXDEV") return done(errorOf(error));
      fs.copyFile(this.#path(name), to, fs.constants.COPYFILE_EXCL, (failed) => done(errorOf(failed)));
    });
  }

  remove(name: string, done: Done): void {
    fs.rm(this.#path(name), { force: true }, (error) => done(errorOf(error)));
  }

  flushFolder(done: Done): void {
    fs.open(this.folder, "r", (error, descriptor) => {
      if (error !== null) return done(errorOf(error));
      fs.fsync(descriptor, (failed) => fs.close(descriptor, () => done(errorOf(failed))));
    });
  }

  freeBytes(done: (bytes: number | undefined) => void): void {
    fs.statfs(this.folder, (error, stats) => done(error === null ? stats.bavail * stats.bsize : undefined));
  }

  lock(done: (unlock: Unlock | undefined) => void): void {
    Lock.acquire(this.folder).then(
      (lock) => done((unlocked) => void lock.release().finally(unlocked)),
      () => done(undefined),
    );
  }

  #path(name: string): string {
    return join(this.folder, name);
  }
}

class NodeFile implements DiskFile {
  constructor(
    readonly descriptor: number,
    /** Where the next append goes. */
    public length: number,
  ) {}

  append(bytes: Uint8Array, done: Done): void {
    const more = (from: number): void => {
      fs.write(this.descriptor, bytes, from, bytes.length - from, this.length + from, (error, written) => {
        if (error !== null) return done(errorOf(error));
        // A disk that fills up in the middle writes what fits, and says so at the next try.
        if (from + written < bytes.length) return more(from + written);
        this.length += bytes.length;
        done(undefined);
      });
    };
    more(0);
  }

  read(at: number, length: number, done: (bytes: Uint8Array | undefined) => void): void {
    const bytes = new Uint8Array(length);
    const more = (from: number): void => {
      fs.read(this.descriptor, bytes, from, length - from, at + from, (error, read) => {
        if (error !== null) return done(undefined);
        if (read === 0 || from + read === length) return done(bytes.subarray(0, from + read));
        more(from + read);
      });
    };
    if (length === 0) done(bytes);
    else more(0);
  }

  flush(done: Done): void {
    fs.fdatasync(this.descriptor, (error) => {
      // A flush is no write: one that finds no room has lost what it was given.
      done(error === null ? undefined : "failed");
    });
  }

  truncate(length: number, done: Done): void {
    fs.ftruncate(this.descriptor, length, (error) => {
      if (error === null) this.length = length;
      done(error === null ? undefined : "failed");
    });
  }

  size(done: (bytes: number | undefined) => void): void {
    fs.fstat(this.descriptor, (error, stats) => done(error === null ? stats.size : undefined));
  }

  close(done: () => void): void {
    fs.close(this.descriptor, () => done());
  }
}
