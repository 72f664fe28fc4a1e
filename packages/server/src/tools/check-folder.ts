/** `kvorum check`: what is in a data folder, and what of it is damaged. */
import { checkStore, run, type CheckReport } from "@kvorum/store";
import { openDataFolder } from "../data-folder/data-folder.js";
import { DataFolderError } from "../data-folder/errors.js";
import { NodeDisk } from "../storage/node-disk.js";
import { createPrimitives, LOG_FOLDER, logFolderOf } from "./log-folder.js";

/** Refused while a node runs on the folder: half of what it writes would look like damage. */
export async function checkFolder(data: string): Promise<CheckReport> {
  const logFolder = await logFolderOf(data);
  const folder = await openDataFolder(data, { engine: LOG_FOLDER, createdBy: "" });
  try {
    const primitives = await createPrimitives();
    const report = await new Promise<CheckReport | "failed" | "empty">((done) =>
      run(checkStore(new NodeDisk(logFolder), primitives), done),
    );
    if (report === "failed") throw new DataFolderError(`${logFolder} can't be read: see the system's log`);
    if (report === "empty") throw new DataFolderError(`${logFolder} holds no store`);
    return report;
  } finally {
    await folder.release();
  }
}
