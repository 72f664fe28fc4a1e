/** What the door must be given to send snapshots of the node's data folder. */
import type { Readable } from "node:stream";

export interface Snapshot {
  readonly kind: "snapshot";
  /** Of the whole stream. */
  readonly bytes: number;
  readonly stream: Readable;
  /** Takes the snapshot away; the stream ends. */
  discard(): Promise<void>;
}

export interface Snapshots {
  /** One at a time: `busy` while another is being sent. */
  take(): Promise<Snapshot | { readonly kind: "busy" } | { readonly kind: "failed"; readonly reason: string }>;
}
