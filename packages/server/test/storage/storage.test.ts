/** The contract of the storage port, on every implementation. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Image } from "../../../core/src/ports/image.js";
import { MemoryStorage } from "../../../core/src/ports/memory-storage.js";
import { createPrimitives } from "@kvorum/client/internal";
import { openLogStorage } from "../../src/storage/open-log-storage.js";
import { openLmdb } from "../../src/storage/lmdb-storage.js";
import { storageContract } from "./contract.js";

storageContract("memory", async () => {
  const disk = new Image();
  return { open: async () => new MemoryStorage(setImmediate, disk), remove: async () => undefined };
});

for (const sizes of [{}, { segmentBytes: 8192, cacheBytes: 4096, reserveBytes: 0 }]) {
  const name = "segmentBytes" in sizes ? "the log, turning and merging all the time" : "the log";
  storageContract(name, async () => {
    const folder = await mkdtemp(join(tmpdir(), "kvorum-storage-"));
    return {
      open: async () => openLogStorage({ path: join(folder, "log"), primitives: await createPrimitives(), sizes }),
      remove: () => rm(folder, { recursive: true }),
    };
  });
}

storageContract("LMDB", async () => {
  const folder = await mkdtemp(join(tmpdir(), "kvorum-storage-"));
  return {
    // A dot in the name must not matter.
    open: () => openLmdb({ path: join(folder, "lmdb.d") }),
    remove: () => rm(folder, { recursive: true }),
  };
});
