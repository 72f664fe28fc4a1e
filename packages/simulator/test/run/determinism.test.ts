/** The same script gives the same run: on it stand replay, shrinking, and every claim that a seed makes. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { count } from "../../../core/test/counts.js";
import { testPrimitives } from "../../../core/test/primitives.js";
import { drawScript as draw, type Script } from "../../src/run/script.js";
import { run } from "../../src/run/runner.js";
import { Story } from "../../src/story.js";

const primitives = testPrimitives;

/** Short runs: the same things happen in them, fewer times. */
const drawScript = (seed: number): Script => draw(seed, { operations: count(80, 400), activeMs: 2_000 });

describe("a run", () => {
  afterEach(() => vi.restoreAllMocks());

  it("is the same when it is run again, event by event", () => {
    for (let seed = 1; seed <= count(2, 50); seed++) {
      const first = run(drawScript(seed), { primitives });
      const again = run(drawScript(seed), { primitives });
      expect(again).toEqual(first);
    }
  });

  it("differs from every other seed's", () => {
    const digests = [11, 12].map((seed) => run(drawScript(seed), { primitives }).digest);
    expect(new Set(digests).size).toBe(2);
  });

  it("is the same when its script has been a file meanwhile", () => {
    const script = drawScript(4);
    const file = JSON.parse(JSON.stringify(script)) as typeof script;
    expect(run(file, { primitives }).digest).toBe(run(script, { primitives }).digest);
  });

  it("is the same when somebody listens to its story", () => {
    const lines: string[] = [];
    const told = run(drawScript(5), { primitives, story: new Story((line) => lines.push(line), true) });
    expect(lines.length).toBeGreaterThan(100);
    expect(told.digest).toBe(run(drawScript(5), { primitives }).digest);
  });

  it("asks neither the machine's clock nor its chance", () => {
    const forbidden = (name: string) => () => {
      throw new Error(`${name} was asked`);
    };
    const script = drawScript(6);
    const free = run(script, { primitives });
    vi.spyOn(Date, "now").mockImplementation(forbidden("Date.now"));
    vi.spyOn(Math, "random").mockImplementation(forbidden("Math.random"));
    vi.spyOn(performance, "now").mockImplementation(forbidden("performance.now"));
    const result = run(script, { primitives });
    vi.restoreAllMocks();
    expect(result.digest).toBe(free.digest);
  });
});
