/** Which starts of an instance contradict each other: two that are counted alike and drew different bits. */
import { describe, expect, it } from "vitest";
import { decodeAddressFact, encodeAddressFact } from "../../src/node/facts.js";
import { KnownStarts } from "../../src/node/known-starts.js";
import { testPrimitives as primitives } from "../primitives.js";

const INSTANCE = 7;
const first = { boot: 2, start: 11 };
const copy = { boot: 2, start: 22 };
const second = { boot: 3, start: 33 };

/** What a member says that has heard these starts of the instance, one after the other. */
function judged(
  heard: readonly { boot: number; start: number }[][],
  asking: readonly { boot: number; start: number }[],
) {
  let boot: number | undefined;
  const known = new KnownStarts(() => boot);
  for (const starts of heard) {
    boot = Math.max(boot ?? 0, starts.at(-1)?.boot ?? 0);
    known.heard(INSTANCE, starts);
  }
  return known.judge(INSTANCE, asking);
}

describe("the starts that a member knows of", () => {
  it("say nothing where none is known", () => {
    expect(judged([], [first])).toBe("unknown");
  });

  it("agree with the same start, and with one that follows it", () => {
    expect(judged([[first]], [first])).toBe("fine");
    expect(judged([[first]], [first, second])).toBe("fine");
    expect(judged([[first]], [second])).toBe("fine");
    expect(judged([[first], [first, second]], [first, second])).toBe("fine");
  });

  it("contradict an earlier start, and another that is counted alike", () => {
    expect(judged([[second]], [first])).toBe("later");
    expect(judged([[first]], [copy])).toBe("later");
    expect(judged([[first]], [copy, second])).toBe("later");
  });

  it("are compared when the later one is heard, since the question may come after it", () => {
    expect(judged([[first], [copy, second]], [copy, second])).toBe("later");
  });

  it("travel with the address, the last one first", () => {
    const fact = { name: "n1", address: "a:1", http: "a:2", starts: [copy, second] };
    const bytes = encodeAddressFact(primitives, fact);
    expect(decodeAddressFact(primitives, bytes)).toEqual(fact);
    const before = bytes.subarray(0, bytes.length - 7);
    expect(decodeAddressFact(primitives, before)).toEqual({ ...fact, starts: [second] });
  });
});
