/** One key to import, wherever it comes from, and what becomes of it. */
import type { LazyBody } from "../http-client.js";

export interface ImportEntry {
  readonly key: string;
  readonly bytes: number;
  readonly contentType: string;
  /** Called when its turn comes, so that only what is under way is in memory. */
  open(): Promise<Uint8Array | LazyBody>;
}

/** Something in the source that is no entry, and why: told by name, never lost in silence. */
export interface Rejected {
  /** A path below the folder, or `line 17`. */
  readonly where: string;
  readonly reason: string;
  /** `skipped`: left out by rule (links, devices). `failed`: should have been stored. */
  readonly kind: "skipped" | "failed";
}

export type SourceItem =
  | { readonly entry: ImportEntry; readonly rejected?: never; readonly progress: number }
  | { readonly rejected: Rejected; readonly entry?: never; readonly progress: number };
