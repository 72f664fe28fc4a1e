/** The client's copy of the ring: addresses of owners, and no table that cannot be. */
import { describe, expect, test } from "vitest";
import { MalformedError, type RingTable } from "@kvorum/core";
import { RingCache } from "../src/ring-cache.js";

const table = (owners: number[][]): RingTable => ({
  kind: "ring-table",
  version: "3",
  members: [
    { name: "n1", address: "a:1" },
    { name: "n2", address: "b:2" },
  ],
  owners,
});

describe("RingCache", () => {
  test("gives a partition's owners as addresses, in the order of the preference list", () => {
    const ring = new RingCache(table([[0, 1], [1, 0], [1], []]));
    expect([ring.version, ring.partitions]).toEqual(["3", 4]);
    expect([0, 1, 2, 3].map((partition) => ring.owners(partition))).toEqual([
      ["a:1", "b:2"],
      ["b:2", "a:1"],
      ["b:2"],
      [],
    ]);
  });

  test("a partition that is none has no owners", () => {
    const ring = new RingCache(table([[0], [1]]));
    expect([ring.owners(-1), ring.owners(2)]).toEqual([[], []]);
  });

  test.each([[[]], [[[0], [0], [0]]]])("refuses %j: not a power of two", (owners) => {
    expect(() => new RingCache(table(owners))).toThrow(MalformedError);
  });

  test("a member whose address is not known yet is left out: nobody can be reached there", () => {
    const members = [...table([]).members, { name: "n3", address: "" }];
    const ring = new RingCache({ ...table([[2, 0], [2]]), members });
    expect(ring.members).toEqual(["a:1", "b:2"]);
    expect([ring.owners(0), ring.owners(1)]).toEqual([["a:1"], []]);
  });

  test("refuses an owner who is no member", () => {
    expect(() => new RingCache(table([[0], [2]]))).toThrow(MalformedError);
  });
});
