/** Opens the engine that a data folder is made for: the log, or LMDB. */
import type { Primitives, Storage } from "@kvorum/core";
import type { LogStats } from "@kvorum/store";
import type { Engine } from "../config/engine.js";
import { openLogStorage } from "./open-log-storage.js";

export interface OpenedStorage {
  readonly storage: Storage;
  /** Numbers of the log; LMDB has none. */
  readonly stats?: (() => LogStats) | undefined;
}

export async function openStorage(engine: Engine, path: string, primitives: Primitives): Promise<OpenedStorage> {
  if (engine === "lmdb") {
    // Native code, and loaded only where it is wanted.
    const { openLmdb } = await import("./lmdb-storage.js");
    return { storage: await openLmdb({ path }) };
  }
  const storage = await openLogStorage({ path, primitives });
  return { storage, stats: () => storage.stats() };
}
