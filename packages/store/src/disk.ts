/**
 * The disk as the log sees it: one folder of files that are appended to and read. Callbacks may come before the call returns. Everything that
 * is not flushed may be lost with the power, in part and in any order: appended bytes until the file is flushed, names and renames until the
 * folder is.
 */

/** `full`: no room; reads go on. `failed`: the disk can't be trusted with it. */
export type DiskError = "full" | "failed";

export type Done = (error: DiskError | undefined) => void;

/** Lets the next process into the folder; `done` when it may come. */
export type Unlock = (done: () => void) => void;

/** An open file. One append at a time. */
export interface DiskFile {
  /** At the end. The bytes must not change until `done`. After an error any part of them may be there. */
  append(bytes: Uint8Array, done: Done): void;
  /** Shorter where the file ends; undefined where it can't be read. */
  read(at: number, length: number, done: (bytes: Uint8Array | undefined) => void): void;
  /** What was appended and cut before is on the disk when `done` comes without an error. After an error nobody knows what is. */
  flush(done: Done): void;
  /** Cuts the file; appends go on from there. */
  truncate(length: number, done: Done): void;
  size(done: (bytes: number | undefined) => void): void;
  close(done: () => void): void;
}

export interface Disk {
  /** Undefined where the folder can't be read. */
  list(done: (names: readonly string[] | undefined) => void): void;
  open(name: string, done: (file: DiskFile | "absent" | "failed") => void): void;
  /** A new and empty file; one of that name is emptied. */
  create(name: string, done: (file: DiskFile | DiskError) => void): void;
  /** Takes the place of `to` at once and whole. */
  rename(from: string, to: string, done: Done): void;
  /** A second name, in another folder of the same file system, for the same bytes. */
  link(name: string, folder: string, done: Done): void;
  /** Absent is as good as removed. */
  remove(name: string, done: Done): void;
  /** The names of the folder are on the disk. */
  flushFolder(done: Done): void;
  /** Bytes that still fit; undefined where that can't be told. */
  freeBytes(done: (bytes: number | undefined) => void): void;
  /** Undefined where another process has the folder. */
  lock(done: (unlock: Unlock | undefined) => void): void;
}
