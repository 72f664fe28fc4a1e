/** The log on real files: the storage that a node has unless it is told otherwise. */
import { getRandomValues } from "node:crypto";
import { mkdir, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { limits, type Primitives } from "@kvorum/core";
import { openLog, run, type LogOptions, type LogStorage, type OpenLog, type Pace } from "@kvorum/store";
import { syncFolder } from "../data-folder/sync-folder.js";
import { NodeDisk } from "./node-disk.js";

/** A disk smaller than so many segments has smaller ones, so that merging has room; and no smaller than this. */
const SEGMENTS_ON_A_DISK = 32;
const SEGMENT_BYTES_MIN = 256 * 1024;

export interface LogStorageOptions {
  /** A folder for the log's files; made where it is missing. */
  readonly path: string;
  readonly primitives: Primitives;
  /** For tests, which make everything small. */
  readonly sizes?: Partial<Pick<LogOptions, "segmentBytes" | "cacheBytes" | "spaceTarget" | "reserveBytes">>;
}

/** Rejects with an error that tells what an operator can do about it. */
export async function openLogStorage({ path, primitives, sizes }: LogStorageOptions): Promise<LogStorage> {
  await mkdir(path, { recursive: true });
  await syncFolder(dirname(path));
  const { blocks, bsize } = await statfs(path);
  const segmentBytes = clamp((blocks * bsize) / SEGMENTS_ON_A_DISK, SEGMENT_BYTES_MIN, limits.segmentBytes);
  const options: LogOptions = {
    ...{ disk: new NodeDisk(path), primitives, segmentBytes, reserveBytes: segmentBytes, pace },
    ...{ cacheBytes: limits.storeCacheBytes, spaceTarget: limits.storeSpaceTarget },
    salt: () => new DataView(getRandomValues(new Uint8Array(8)).buffer).getBigUint64(0),
    // What else comes in this turn of the loop goes along.
    defer: (later) => void setImmediate(later),
    ...sizes,
  };
  const opened = await new Promise<OpenLog>((resolve) => run(openLog(options), resolve));
  if (typeof opened !== "string") return opened;
  throw new Error(problem(path, opened));
}

/** Merging leaves the disk to others for as long as a piece is worth at its rate, for less in haste; where space is short it only lets the loop go round. */
const pace: Pace = (bytes, haste, go) => {
  const restMs = (bytes / limits.mergeBytesPerSecond) * 1_000 * (1 - haste);
  if (restMs < 1) setImmediate(go);
  else setTimeout(go, restMs);
};

function problem(path: string, opened: "locked" | "full" | "failed"): string {
  switch (opened) {
    case "locked":
      return `${path} is in use by another process: stop it first, or name another folder`;
    case "full":
      return `the disk under ${path} has no space: make some, then start again`;
    case "failed":
      return `the disk under ${path} can't be read or flushed: see the system's log, then start again or on another disk`;
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, Math.floor(value)));
}
