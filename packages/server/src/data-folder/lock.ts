/** One process at a time in a data folder: a lock that a killed process leaves behind is seen to be stale, and taken over once. */
import { randomBytes } from "node:crypto";
import { link, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DataFolderError } from "./errors.js";
import { isAlive, markOf, type ProcessMark } from "./process-mark.js";

const LOCK_FILE = /^LOCK\.([1-9][0-9]{0,14})$/;
const TEMPORARY = /^LOCK\.tmp-[0-9a-f]+$/;

/** How often a starter that lost a race looks again; it then finds the winner alive, or the folder free. */
const ATTEMPTS_MAX = 20;

export function isLockFile(name: string): boolean {
  return LOCK_FILE.test(name) || TEMPORARY.test(name);
}

/**
 * The lock is a file `LOCK.<number>` that names its process. Replacing a stale file could replace a fresh one that another starter has
 * just put in its place; so a stale file stays, and the one who takes over makes the *next* number, which only one can. Files appear
 * with their content (by `link`). Whoever has made one looks round again: numbers start over after a release, so another, lower or
 * higher, may have been made meanwhile, and then this one steps back.
 */
export class Lock {
  readonly #file: string;

  private constructor(file: string) {
    this.#file = file;
  }

  static async acquire(folder: string): Promise<Lock> {
    const mark = await markOf(process.pid);
    const temporary = join(folder, `LOCK.tmp-${randomBytes(8).toString("hex")}`);
    await writeFile(temporary, `${JSON.stringify(mark)}\n`, { flag: "wx" });
    try {
      for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        const stale = await staleNumbers(folder);
        const number = Math.max(0, ...stale) + 1;
        const file = lockFile(folder, number);
        if (!(await linked(temporary, file))) continue;
        try {
          const others = await staleNumbers(folder, number);
          for (const other of others) await rm(lockFile(folder, other), { force: true });
        } catch (error) {
          await rm(file, { force: true });
          throw error;
        }
        return new Lock(file);
      }
    } finally {
      await rm(temporary, { force: true });
    }
    throw new DataFolderError(`${folder} is being opened by several processes at once: start one of them`);
  }

  async release(): Promise<void> {
    await rm(this.#file, { force: true });
  }
}

function lockFile(folder: string, number: number): string {
  return join(folder, `LOCK.${number}`);
}

/** The numbers of the lock files here, but for `mine`. Throws when the process of one of them is alive. */
async function staleNumbers(folder: string, mine?: number): Promise<number[]> {
  const numbers: number[] = [];
  for (const name of await readdir(folder)) {
    const number = Number(LOCK_FILE.exec(name)?.[1]);
    if (Number.isNaN(number) || number === mine) continue;
    const holder = await readMark(lockFile(folder, number));
    if (holder === "gone") continue;
    if (holder !== "unreadable" && (await isAlive(holder))) {
      throw new DataFolderError(`${folder} is in use by process ${holder.pid}: stop it first, or name another folder`);
    }
    numbers.push(number);
  }
  return numbers;
}

/** `unreadable`: its bytes were lost with the power, and its process too, for a living one's are whole. */
async function readMark(file: string): Promise<ProcessMark | "unreadable" | "gone"> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "gone";
    throw error;
  }
  try {
    const { pid, started } = JSON.parse(text) as Partial<ProcessMark>;
    return Number.isSafeInteger(pid) && (pid as number) > 0 && typeof started === "string"
      ? { pid: pid as number, started }
      : "unreadable";
  } catch {
    return "unreadable";
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}
