/** Every bug that a seed ever found, replayed as the small script that was left of it. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { testPrimitives as primitives } from "../../../core/test/primitives.js";
import { decodeRegression, replay } from "../../src/regression.js";

const folder = new URL("../../regressions/", import.meta.url);
const regressions = readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .map((file) => ({ file, regression: decodeRegression(readFileSync(new URL(file, folder), "utf8")) }));

describe.each(regressions)("$file: $regression.name", { timeout: 60_000 }, ({ regression }) => {
  it("does not happen", () => {
    expect(replay(regression, { primitives }).violations).toEqual([]);
  });

  if (regression.plant === undefined) return;
  it("happens with its bug in place", () => {
    const { violations } = replay(regression, { primitives }, true);
    expect(violations.map(({ invariant }) => invariant)).toContain(regression.invariant);
  });
});
