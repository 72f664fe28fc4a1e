/** A data folder of the log engine that no node runs on, for the tools that look into it. */
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createPrimitives } from "@kvorum/client/internal";
import { copyOf, type CopyOf, type Primitives } from "@kvorum/core";
import { readFacts, run } from "@kvorum/store";
import { DataFolderError } from "../data-folder/errors.js";
import { readFormat } from "../data-folder/format-file.js";
import { NodeDisk } from "../storage/node-disk.js";

export const LOG_FOLDER = "log";

/** The log's own folder in a data folder. Rejects where that is none, or is another engine's. */
export async function logFolderOf(data: string): Promise<string> {
  const folder = resolve(data);
  const format = await readFormat(folder);
  if (format === undefined) throw new DataFolderError(`${folder} is no Kvorum data folder`);
  if (format.engine !== LOG_FOLDER) {
    throw new DataFolderError(
      `${folder} was made for the storage engine "${format.engine}"; this works on folders of the engine "log"`,
    );
  }
  return join(folder, LOG_FOLDER);
}

export async function refuseExisting(path: string): Promise<void> {
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  if (exists) throw new DataFolderError(`${path} is there already: name a new folder`);
}

/** Whose folder it is; changes nothing in it. */
export async function ownerOf(logFolder: string, primitives: Primitives): Promise<CopyOf | undefined> {
  const facts = await new Promise<ReadonlyMap<string, Uint8Array | undefined> | "failed">((done) =>
    run(readFacts(new NodeDisk(logFolder), primitives), done),
  );
  return facts === "failed" ? undefined : copyOf(primitives, facts.get("identity"));
}

export { createPrimitives };
