/** All keys of a bucket, page after page (CONTRACT §3, lists). */
import { limits } from "@kvorum/core";
import type { KvorumApi } from "../api.js";

export interface KeyRange {
  readonly prefix?: string | undefined;
}

/** @throws CliError when a page fails: then what came before is not the whole list. */
export async function* allKeys(api: KvorumApi, bucket: string, { prefix }: KeyRange = {}): AsyncGenerator<string> {
  let cursor: string | null = null;
  do {
    const page = await api.keys(bucket, { ...(prefix === undefined ? {} : { prefix }), limit: PAGE, cursor });
    yield* page.keys;
    cursor = page.cursor;
  } while (cursor !== null);
}

const PAGE = limits.listLimitDefault;
