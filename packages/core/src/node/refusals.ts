/**
 * Reasons for which a member's greeting is not taken although it is of this cluster (TRAPS 3, 21). They travel as text; the first word says to
 * the refused one whether it may try again.
 */

const REPLACED = "replaced: ";
const REMOVED = "removed: ";
const COPIED = "copied: ";

export const refusals = {
  replaced: (name: string): string =>
    `${REPLACED}the place of ${name} was taken by a new instance; this data folder is of the old one`,
  removed: (name: string): string =>
    `${REMOVED}${name} was removed from the cluster; start it with an empty folder to join anew`,
  copied: (name: string): string =>
    `${COPIED}${name} lives already as this very instance: the data folder was copied or restored; start the copy with an empty folder`,
} as const;

/** Whether the one who hears this must stop: no later try can end otherwise. */
export function isFinalRefusal(reason: string): boolean {
  return [REPLACED, REMOVED, COPIED].some((word) => reason.startsWith(word));
}

/** Whether the folder itself is at fault: another process is this very instance. */
export function isCopyRefusal(reason: string): boolean {
  return reason.startsWith(COPIED);
}
