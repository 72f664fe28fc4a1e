/** What every disk must do, as one suite that is run on each of them: the sentences of packages/store/src/disk.ts. */
import type { Disk, DiskError, DiskFile, Unlock } from "@kvorum/store";
import { beforeEach, describe, expect, it } from "vitest";

export interface DiskPlace {
  readonly disk: Disk;
  /** Another folder, for links, and what is in it. */
  readonly other: string;
  namesInOther(): Promise<readonly string[]>;
}

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const text = (value: Uint8Array | undefined): string => String.fromCharCode(...(value ?? []));
const called = <T>(begin: (done: (answer: T) => void) => void): Promise<T> => new Promise(begin);

async function create(disk: Disk, name: string): Promise<DiskFile> {
  const file = await called<DiskFile | DiskError>((done) => disk.create(name, done));
  if (typeof file === "string") throw new Error(file);
  return file;
}

async function open(disk: Disk, name: string): Promise<DiskFile> {
  const file = await called<DiskFile | "absent" | "failed">((done) => disk.open(name, done));
  if (typeof file === "string") throw new Error(file);
  return file;
}

const append = (file: DiskFile, what: string): Promise<DiskError | undefined> =>
  called((done) => file.append(bytes(what), done));
const read = async (file: DiskFile, at: number, length: number): Promise<string> =>
  text(await called((done) => file.read(at, length, done)));
const list = async (disk: Disk): Promise<readonly string[]> =>
  [...((await called<readonly string[] | undefined>((done) => disk.list(done))) ?? [])].filter(
    (name) => !name.startsWith("LOCK"),
  );

export function diskContract(name: string, make: () => Promise<DiskPlace>): void {
  describe(`${name} as a disk`, () => {
    let place: DiskPlace;
    let disk: Disk;

    beforeEach(async () => {
      place = await make();
      ({ disk } = place);
    });

    it("appends, reads anywhere, shorter where the file ends, and tells the size", async () => {
      const file = await create(disk, "f");
      expect(await append(file, "hello ")).toBe(undefined);
      expect(await append(file, "world")).toBe(undefined);
      expect(await append(file, "")).toBe(undefined);
      expect([
        await read(file, 0, 11),
        await read(file, 6, 5),
        await read(file, 9, 100),
        await read(file, 50, 5),
      ]).toEqual(["hello world", "world", "ld", ""]);
      expect(await called((done) => file.size(done))).toBe(11);
      expect(await called((done) => file.flush(done))).toBe(undefined);
      await called<void>((done) => file.close(done));
    });

    it("cuts a file, and appends go on from there", async () => {
      const file = await create(disk, "f");
      await append(file, "0123456789");
      expect(await called((done) => file.truncate(4, done))).toBe(undefined);
      await append(file, "ab");
      expect(await read(file, 0, 100)).toBe("0123ab");
      await called<void>((done) => file.close(done));
      const again = await open(disk, "f");
      await append(again, "c");
      expect(await read(again, 0, 100)).toBe("0123abc");
    });

    it("tells an absent file from one that is there, and makes a new one empty", async () => {
      expect(await called((done) => disk.open("f", done))).toBe("absent");
      await append(await create(disk, "f"), "old");
      expect(await read(await create(disk, "f"), 0, 10)).toBe("");
      expect(await list(disk)).toEqual(["f"]);
    });

    it("renames over what was there, removes what is there and what is not, and flushes the names", async () => {
      await append(await create(disk, "a"), "from a");
      await append(await create(disk, "b"), "from b");
      expect(await called((done) => disk.rename("a", "b", done))).toBe(undefined);
      expect(await list(disk)).toEqual(["b"]);
      expect(await read(await open(disk, "b"), 0, 10)).toBe("from a");
      expect(await called((done) => disk.rename("none", "c", done))).toBe("failed");
      for (let i = 0; i < 2; i++) expect(await called((done) => disk.remove("b", done))).toBe(undefined);
      expect(await called((done) => disk.flushFolder(done))).toBe(undefined);
      expect(await list(disk)).toEqual([]);
    });

    it("an open file is read to its end though its name is gone", async () => {
      const file = await create(disk, "f");
      await append(file, "still here");
      await called((done) => disk.remove("f", done));
      expect(await read(file, 0, 10)).toBe("still here");
    });

    it("links a file into another folder, where it stays when the first name goes", async () => {
      await append(await create(disk, "f"), "linked");
      expect(await called((done) => disk.link("f", place.other, done))).toBe(undefined);
      await called((done) => disk.remove("f", done));
      expect(await place.namesInOther()).toEqual(["f"]);
    });

    it("knows how much is free", async () => {
      expect(await called<number | undefined>((done) => disk.freeBytes(done))).toBeGreaterThan(1_000);
    });

    it("is locked once, until it is let go", async () => {
      const lock = (): Promise<Unlock | undefined> => called((done) => disk.lock(done));
      const unlock = await lock();
      expect(unlock).toBeDefined();
      expect(await lock()).toBe(undefined);
      await called<void>((done) => unlock?.(done));
      expect(await lock()).toBeDefined();
    });
  });
}
