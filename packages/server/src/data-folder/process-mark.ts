/** Tells a living process from a later one that was given the same number: by its number and the moment it started. */
import { readFile } from "node:fs/promises";

export interface ProcessMark {
  readonly pid: number;
  /** The boot and the tick in which it started; empty where the system does not tell (all but Linux). */
  readonly started: string;
}

/** The mark of a process that is there. */
export async function markOf(pid: number): Promise<ProcessMark> {
  return { pid, started: (await startOf(pid)) ?? "" };
}

/** Without a known start, any process with that number counts as the same: better one refusal too many than two writers. */
export async function isAlive(mark: ProcessMark): Promise<boolean> {
  if (!exists(mark.pid)) return false;
  const started = await startOf(mark.pid);
  if (started === undefined) return false;
  return started === "" || mark.started === "" || started === mark.started;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, and somebody else's.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Undefined for a process that has ended and is kept by the system only until its parent asks; empty where there is no telling. */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in parentheses and may hold spaces; the start is the 22nd, the 20th after it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    return `${boot.trim()} ${fields[19]}`;
  } catch {
    return "";
  }
}
