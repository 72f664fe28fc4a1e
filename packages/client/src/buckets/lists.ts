/** Lists over the whole cluster, page by page: the next page is asked for when the last one was consumed, so a slow reader holds one page. */
import { limits } from "@kvorum/core";
import type { Transport } from "../transports/transport.js";
import { checkOptions } from "./option-check.js";
import type { CallOptions, KeysOptions } from "./options.js";

/** A key of the conflict inbox. */
export interface Conflict {
  readonly bucket: string;
  readonly key: string;
  readonly siblings: number;
  /** When the second version came: milliseconds since the epoch. */
  readonly since: number;
}

/** `timeout` is for each page. Ends early, and rejects, when a page cannot be had whole. */
export async function* keysOf(
  transport: Transport,
  bucket: string,
  options: KeysOptions,
): AsyncGenerator<string, void, undefined> {
  checkOptions(options);
  const { prefix = "", pageSize = limits.listLimitDefault, timeout, signal } = options;
  let cursor: string | undefined;
  do {
    signal?.throwIfAborted();
    const page = await transport.listKeys(bucket, { prefix, limit: pageSize, cursor }, { timeoutMs: timeout, signal });
    for (const key of page.keys) {
      signal?.throwIfAborted();
      yield key;
    }
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined);
}

/** Keys with several siblings, as far as the members that can be reached know. One that is being resolved may still be there. */
export async function* conflictsOf(
  transport: Transport,
  bucket: string | undefined,
  options: CallOptions,
): AsyncGenerator<Conflict, void, undefined> {
  checkOptions(options);
  const { timeout, signal } = options;
  let cursor: string | undefined;
  do {
    signal?.throwIfAborted();
    const query = { bucket, limit: limits.listLimitDefault, cursor };
    const page = await transport.listConflicts(query, { timeoutMs: timeout, signal });
    yield* page.conflicts;
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined);
}
