/** The contract of the disk port, on real files. */
import { mkdir, mkdtemp, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { diskContract } from "../../../store/test/disk-contract.js";
import { NodeDisk } from "../../src/storage/node-disk.js";

diskContract("a folder of real files", async () => {
  const folder = await mkdtemp(join(tmpdir(), "kvorum-disk-"));
  const other = join(folder, "other");
  await mkdir(join(folder, "log"));
  await mkdir(other);
  return { disk: new NodeDisk(join(folder, "log")), other, namesInOther: () => readdir(other) };
});
