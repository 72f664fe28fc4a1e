/** The file `FORMAT`, which says how to read the rest of a data folder. See docs/formats/data-folder.md. */
import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { DataFolderError } from "./errors.js";
import { syncFolder } from "./sync-folder.js";

export const FORMAT_FILE = "FORMAT";
export const FORMAT_FILE_TEMPORARY = "FORMAT.tmp";

/** The only format that this Kvorum reads, and the one that it writes. Format 1 had no marks before the values of its records. */
export const FORMAT = 2;

const anyFormat = z.object({ format: z.int().min(1), createdBy: z.string() });
const thisFormat = anyFormat.extend({ engine: z.string() });

export interface Format {
  readonly engine: string;
  /** Name and version of the program that made the folder. */
  readonly createdBy: string;
}

/** Undefined where there is no such file. Throws a {@link DataFolderError} for one that is damaged, older or newer than this Kvorum reads. */
export async function readFormat(folder: string): Promise<Format | undefined> {
  let text: string;
  try {
    text = await readFile(join(folder, FORMAT_FILE), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const json = parseJson(text);
  // The version first: a newer format may have changed everything else.
  const any = anyFormat.safeParse(json);
  if (any.success && any.data.format > FORMAT) {
    const { format, createdBy } = any.data;
    throw new DataFolderError(
      `${folder} has format ${format}, made by ${oneLine(createdBy)}; this Kvorum reads up to ${FORMAT}: start a newer one on it`,
    );
  }
  if (any.success && any.data.format < FORMAT) {
    const { format, createdBy } = any.data;
    throw new DataFolderError(
      `${folder} has format ${format}, made by ${oneLine(createdBy)}; this Kvorum reads format ${FORMAT}: export its keys with the older one, and import them into a new folder`,
    );
  }
  const read = thisFormat.safeParse(json);
  if (!read.success) {
    throw new DataFolderError(
      `${join(folder, FORMAT_FILE)} is damaged: restore it from a backup, or name a new folder`,
    );
  }
  return read.data;
}

/** Writes the file whole or not at all, whatever happens meanwhile. The caller holds the lock of the folder. */
export async function writeFormat(folder: string, format: Format): Promise<void> {
  const temporary = join(folder, FORMAT_FILE_TEMPORARY);
  const file = await open(temporary, "w");
  try {
    await file.writeFile(`${JSON.stringify({ format: FORMAT, ...format })}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(folder, FORMAT_FILE));
  await syncFolder(folder);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Text from a file that may hold anything, fit for one line. */
function oneLine(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 40);
}
