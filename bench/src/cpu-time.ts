/** CPU time of processes as Linux counts it (proc(5)): elsewhere there is none to show. */
import { readdirSync, readFileSync } from "node:fs";

/** The unit of /proc: 100 a second on every Linux that Node runs on. */
const MICROS_PER_TICK = 10_000;
/** Places in /proc/PID/stat, counted behind the command's name, which may hold anything. */
const PARENT = 1;
const USER_TICKS = 11;
const SYSTEM_TICKS = 12;

/** Microseconds of user and system time of all of them together; undefined where /proc is not to be had. */
export function cpuMicros(pids: readonly number[]): number | undefined {
  let ticks = 0;
  for (const pid of pids) {
    const fields = statOf(pid);
    if (fields === undefined) return undefined;
    ticks += Number(fields[USER_TICKS]) + Number(fields[SYSTEM_TICKS]);
  }
  return ticks * MICROS_PER_TICK;
}

/** The processes that `pid` started and that still run. */
export function childrenOf(pid: number): readonly number[] {
  return processes().filter((child) => Number(statOf(child)?.[PARENT]) === pid);
}

function processes(): readonly number[] {
  try {
    return readdirSync("/proc").map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function statOf(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}
