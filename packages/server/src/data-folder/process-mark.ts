/** Tells a living process from a later one that was given the same number: by its number and the moment it started. */
import { readFile } from "node:fs/promises";

export interface ProcessMark {
  readonly pid: number;
  /** The boot and the tick in which it started; empty where the system does not tell (all but Linux). */
  readonly started: string;
}

export async function thisProcess(): Promise<ProcessMark> {
  return { pid: process.pid, started: await startOf(process.pid) };
}

/** Without a known start, any process with that number counts as the same: better one refusal too many than two writers. */
export async function isAlive(mark: ProcessMark): Promise<boolean> {
  if (!exists(mark.pid)) return false;
  const started = await startOf(mark.pid);
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

async function startOf(pid: number): Promise<string> {
  try {
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in parentheses and may hold spaces; the start is the 22nd, the 20th after it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const tick = fields[19];
    // A zombie has ended, but its parent has not asked yet.
    return tick === undefined || fields[0] === "Z" ? "" : `${boot.trim()} ${tick}`;
  } catch {
    return "";
  }
}
