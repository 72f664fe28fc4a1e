/** The contract of the storage port, on every implementation. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryDisk, MemoryStorage } from "../../../core/src/ports/memory-storage.js";
import { openLmdb } from "../../src/storage/lmdb-storage.js";
import { storageContract } from "./contract.js";

storageContract("memory", async () => {
  const disk = new MemoryDisk();
  return { open: async () => new MemoryStorage(setImmediate, disk), remove: async () => undefined };
});

storageContract("LMDB", async () => {
  const folder = await mkdtemp(join(tmpdir(), "kvorum-storage-"));
  return {
    // A dot in the name must not matter.
    open: () => openLmdb({ path: join(folder, "lmdb.d") }),
    remove: () => rm(folder, { recursive: true }),
  };
});
