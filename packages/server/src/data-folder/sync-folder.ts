/** Makes the names in a folder durable: a file that was flushed can still be missing after a power cut when its name was not. */
import { open } from "node:fs/promises";

export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
