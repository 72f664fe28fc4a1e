/** The simulated disk: the contract, and what only it does: losing what was not flushed. */
import { Rng } from "@kvorum/core";
import { SimulatedDisk, type DiskFile, type SimulatedDiskOptions } from "@kvorum/store";
import { describe, expect, it } from "vitest";
import { diskContract } from "./disk-contract.js";

const options = (seed: number): SimulatedDiskOptions => ({ rng: new Rng(seed), answer: (run) => run() });

diskContract("the simulated disk", () => {
  const disk = new SimulatedDisk({ rng: new Rng(1), answer: (run) => void setImmediate(run) });
  disk.capacity = 1_000_000;
  const namesInOther = (): Promise<readonly string[]> => Promise.resolve(disk.folder("other", options(1)).names);
  return Promise.resolve({ disk, other: "other", namesInOther });
});

function created(disk: SimulatedDisk, name: string): DiskFile {
  let file: unknown;
  disk.create(name, (made) => (file = made));
  return file as DiskFile;
}

/** What many power cuts left of one and the same disk. */
function left(disk: SimulatedDisk, name: string): Set<string> {
  const found = new Set<string>();
  for (let seed = 1; seed <= 200; seed++) {
    const bytes = disk.cut(options(seed)).bytes(name);
    found.add(bytes === undefined ? "gone" : String.fromCharCode(...bytes.map((byte) => (byte === 0 ? 48 : byte))));
  }
  return found;
}

describe("a power cut", () => {
  it("takes nothing that was flushed, and any part of what was not", () => {
    const disk = new SimulatedDisk(options(1));
    const file = created(disk, "f");
    file.append(new Uint8Array(1_000).fill(65), () => {});
    file.flush(() => {});
    disk.flushFolder(() => {});
    file.append(new Uint8Array(1_500).fill(66), () => {});
    const found = [...left(disk, "f")];
    expect(found.every((bytes) => bytes.startsWith("A".repeat(1_000)))).toBe(true);
    // Torn in the middle, and with a hole before bytes that came through.
    expect(found.some((bytes) => bytes.length < 2_000)).toBe(true);
    expect(found.some((bytes) => bytes.length === 2_500 && !bytes.includes("0"))).toBe(true);
    expect(found.some((bytes) => /A0+B/.test(bytes))).toBe(true);
  });

  it("may take a name that was not flushed, with all that was flushed under it, and may undo a rename", () => {
    const disk = new SimulatedDisk(options(1));
    for (const [name, byte] of [
      ["old", 65],
      ["new", 66],
    ] as const) {
      const file = created(disk, name);
      file.append(Uint8Array.of(byte), () => {});
      file.flush(() => {});
      if (name === "old") disk.flushFolder(() => {});
    }
    expect(left(disk, "new")).toEqual(new Set(["B", "gone"]));
    disk.rename("new", "old", () => {});
    expect(left(disk, "old")).toEqual(new Set(["A", "B"]));
  });

  it("takes what a failed flush dropped, though a later one says that all is well", () => {
    const disk = new SimulatedDisk(options(1));
    const file = created(disk, "f");
    disk.flushFolder(() => {});
    file.append(Uint8Array.of(65, 65), () => {});
    disk.failNextFlush = true;
    const said: unknown[] = [];
    file.flush((error) => said.push(error));
    file.append(Uint8Array.of(66), () => {});
    file.flush((error) => said.push(error));
    expect(said).toEqual(["failed", undefined]);
    expect(left(disk, "f")).toEqual(new Set(["AAB", "00B"]));
  });

  it("a full disk takes what fits of a write, and says so", () => {
    const disk = new SimulatedDisk(options(1));
    disk.capacity = 10;
    const file = created(disk, "f");
    const said: unknown[] = [];
    file.append(new Uint8Array(8), (error) => said.push(error));
    file.append(new Uint8Array(8), (error) => said.push(error));
    expect([said, disk.bytes("f")?.length]).toEqual([[undefined, "full"], 10]);
  });
});
