/** A data folder is taken by one process, in a format that it knows, or left as it was with one clear line. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { count } from "../../../core/test/counts.js";
import { type DataFolder, openDataFolder } from "../../src/data-folder/data-folder.js";
import { DataFolderError } from "../../src/data-folder/errors.js";
import { markOf } from "../../src/data-folder/process-mark.js";

const options = { engine: "lmdb", createdBy: "kvorum 0.1.0" };

let place: string;
let folder: string;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "kvorum-folder-"));
  folder = join(place, "n1");
});

afterEach(() => rm(place, { recursive: true }));

/** The line with which the folder is refused, after it was left as it was. */
async function refusal(path = folder): Promise<string> {
  const before = await readdir(path).catch(() => "no folder");
  const error: unknown = await openDataFolder(path, options).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(DataFolderError);
  expect(await readdir(path).catch(() => "no folder")).toEqual(before);
  const { message } = error as DataFolderError;
  expect(message).not.toContain("\n");
  return message;
}

const openAndRelease = async (): Promise<void> => (await openDataFolder(folder, options)).release();

async function put(name: string, content: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), content);
}

describe("the format", () => {
  it("is written into a missing folder and an empty one, and found again", async () => {
    await mkdir(folder);
    for (const path of [join(place, "missing", "deep"), folder]) {
      const opened = await openDataFolder(path, options);
      expect(opened.storagePath).toBe(join(path, "lmdb"));
      await opened.release();
      const format: unknown = JSON.parse(await readFile(join(path, "FORMAT"), "utf8"));
      expect(format).toEqual({ format: 2, engine: "lmdb", createdBy: "kvorum 0.1.0" });
      await (await openDataFolder(path, { ...options, createdBy: "kvorum 0.2.0" })).release();
      expect(JSON.parse(await readFile(join(path, "FORMAT"), "utf8"))).toEqual(format);
    }
  });

  it("refuses a newer one, whatever else changed in it, and names who made it", async () => {
    await put("FORMAT", JSON.stringify({ format: 3, createdBy: "kvorum 9.1.0\u001b[31m", engines: ["new"] }));
    expect(await refusal()).toBe(
      `${folder} has format 3, made by kvorum 9.1.0?[31m; this Kvorum reads up to 2: start a newer one on it`,
    );
  });

  it("refuses an older one, and says how to bring its keys over", async () => {
    await put("FORMAT", JSON.stringify({ format: 1, engine: "lmdb", createdBy: "kvorum 0.1.0" }));
    expect(await refusal()).toBe(
      `${folder} has format 1, made by kvorum 0.1.0; this Kvorum reads format 2: export its keys with the older one, and import them into a new folder`,
    );
  });

  it.each([
    ["", "empty"],
    ["{", "cut"],
    ["null", "no object"],
    ['{"format":2}', "incomplete"],
    ['{"format":"1","engine":"lmdb","createdBy":"k"}', "of another type"],
    ['{"format":0,"engine":"lmdb","createdBy":"k"}', "of no version"],
    ["\u0000\u0000\u0000", "of zeros"],
  ])("refuses a damaged one: %j, %s", async (content) => {
    await put("FORMAT", content);
    expect(await refusal()).toBe(`${folder}/FORMAT is damaged: restore it from a backup, or name a new folder`);
  });

  it("refuses the folder of another engine", async () => {
    await put("FORMAT", JSON.stringify({ format: 2, engine: "log", createdBy: "k" }));
    expect(await refusal()).toBe(
      `${folder} was made for the storage engine "log", not "lmdb": start with --engine log, or name a new folder`,
    );
  });

  it("refuses a folder that holds something else, and a path that is no folder", async () => {
    await put("holiday.jpg", "…");
    expect(await refusal()).toBe(`${folder} is not empty and not a Kvorum data folder: name an empty or a new one`);
    expect(await refusal(join(folder, "holiday.jpg"))).toContain("cannot be used as a data folder: E");
    expect(await refusal("/dev/null/x")).toContain("cannot be used as a data folder: ENOTDIR");
    // Where even root may make nothing, and mkdir's `recursive` never ends.
    expect(await refusal("/proc/nowhere/n1")).toContain("cannot be used as a data folder: ENOENT");
  });

  it("begins again where it was killed while it began", async () => {
    await put("FORMAT.tmp", '{"for');
    await put("LOCK.tmp-0123456789abcdef", "");
    await put("LOCK.1", "");
    await mkdir(join(folder, "lost+found"));
    await openAndRelease();
    expect((await readdir(folder)).includes("FORMAT")).toBe(true);
  });
});

describe("the lock", () => {
  it("refuses a folder in use by a live process, and names it", async () => {
    const opened = await openDataFolder(folder, options);
    const expected = `${folder} is in use by process ${process.pid}: stop it first, or name another folder`;
    expect(await refusal()).toBe(expected);
    await opened.release();
    await openAndRelease();
    expect((await readdir(folder)).filter((name) => name.startsWith("LOCK"))).toEqual([]);
  });

  it("is taken over from a process that was killed, reaped or not, and not while it lives", async () => {
    const other = spawn("sleep", ["600"]);
    await once(other, "spawn");
    const pid = other.pid as number;
    await openAndRelease();
    await put("LOCK.1", JSON.stringify(await markOf(pid)));
    expect(await refusal()).toContain(`in use by process ${pid}:`);
    other.kill("SIGKILL");
    // Not yet reaped: Node asks only when this turn is over.
    while (!/^State:\s+Z/m.test(await readFile(`/proc/${pid}/status`, "utf8").catch(() => "State: Z"))) continue;
    await openAndRelease();
    await put("LOCK.1", JSON.stringify({ pid, started: "" }));
    if (other.exitCode === null && other.signalCode === null) await once(other, "exit");
    await openAndRelease();
  });

  it("is not fooled by another process that was given the same number", async () => {
    await openAndRelease();
    const mark = await markOf(process.pid);
    await put("LOCK.3", JSON.stringify({ ...mark, started: `${mark.started}0` }));
    await openAndRelease();
    await put("LOCK.3", JSON.stringify({ ...mark, started: "" }));
    expect(await refusal()).toContain("in use");
  });

  it.each(["", "{", "null", "[]", '{"pid":-1,"started":""}', '{"pid":"1","started":""}', '{"pid":0,"started":""}'])(
    "is taken over when the power took its content: %j",
    async (content) => {
      await openAndRelease();
      await put("LOCK.7", content);
      await openAndRelease();
    },
  );

  it("lets one of many starters in, over nothing and over what the dead left", async () => {
    for (let round = 0; round < count(20, 500); round++) {
      const dead = round % 3;
      await mkdir(folder, { recursive: true });
      for (let i = 1; i <= dead; i++) await put(`LOCK.${i * 2}`, '{"pid":999999999,"started":""}');
      const starts = await Promise.allSettled(Array.from({ length: 8 }, () => openDataFolder(folder, options)));
      const won = starts.filter((start): start is PromiseFulfilledResult<DataFolder> => start.status === "fulfilled");
      expect(won.length).toBe(1);
      for (const start of starts) if (start.status === "rejected") expect(start.reason).toBeInstanceOf(DataFolderError);
      await won[0]?.value.release();
      expect((await readdir(folder)).sort()).toEqual(["FORMAT"]);
    }
  });

  it("never lets two in while starters come and go", async () => {
    let inside = 0;
    let entries = 0;
    const starter = async (): Promise<void> => {
      for (let i = 0; i < count(40, 1000); i++) {
        const opened = await openDataFolder(folder, options).catch((error: unknown) => {
          expect(error).toBeInstanceOf(DataFolderError);
        });
        if (opened === undefined) continue;
        inside++;
        entries++;
        expect(inside).toBe(1);
        await new Promise(setImmediate);
        inside--;
        await opened.release();
      }
    };
    await Promise.all([starter(), starter(), starter(), starter()]);
    expect(entries).toBeGreaterThan(10);
  });
});
