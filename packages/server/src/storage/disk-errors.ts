/** Tells a commit that failed for want of space from one that failed for worse. */
import { statfs } from "node:fs/promises";
import { constants } from "node:os";

/** LMDB has no page left for a write. */
const MDB_MAP_FULL = -30792;

/** The error of the operating system or of LMDB behind a failed commit: lmdb hangs it on the rejection, as a promise that rejects. */
export async function causeOf(error: unknown): Promise<unknown> {
  try {
    return await (error as { commitError?: unknown }).commitError;
  } catch (cause) {
    return cause;
  }
}

/**
 * Whether `cause` says that there was no room: on the disk, under a quota (EDQUOT) or under the process's limit for a file (EFBIG). LMDB
 * reports a write that a full disk cut short as EIO; it is told from a broken disk by the room that is left, less than the `neededBytes`.
 */
export async function lacksSpace(cause: unknown, path: string, neededBytes: number): Promise<boolean> {
  const { ENOSPC, EDQUOT, EFBIG, EIO } = constants.errno;
  const code = (cause as { code?: unknown } | undefined)?.code;
  if (code === ENOSPC || code === EDQUOT || code === EFBIG || code === MDB_MAP_FULL) return true;
  if (code !== EIO) return false;
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize < neededBytes;
  } catch {
    return false;
  }
}
