/** The checkers themselves: each rule of CHECKERS.md that the kill tests use sees what it is for, and nothing else. */
import { describe, expect, it } from "vitest";
import { History, type Findings, type Outcome } from "./support/history.js";
import { tagOf, valueOf } from "./support/values.js";

type Step = readonly [tag: string, outcome: Outcome, ...read: string[]];

/** A history of one key; tags that begin with `d` are deletes. */
function historyOf(...steps: readonly Step[]): History {
  const history = new History();
  for (const [tag, outcome, ...read] of steps) {
    history.end(history.begin("k", tag.startsWith("d") ? "delete" : "put", tag, read), outcome);
  }
  return history;
}

const found = (...tags: string[]): Findings => ({ held: new Set(tags), shown: new Set(tags) });
const rules = (history: History, findings: Findings): string[] =>
  history.check("k", findings).map(({ rule, tag }) => `${rule.slice(0, 2)} ${tag}`);

describe("C1, lost acknowledged write", () => {
  it("sees one that nothing found covers, on the replicas or in what they show together", () => {
    const history = historyOf(["a", "done"], ["b", "done", "a"]);
    expect(rules(history, found())).toEqual(["C1 a", "C1 b"]);
    expect(rules(history, found("b"))).toEqual([]);
    expect(rules(historyOf(["a", "done"], ["b", "done"]), found("b"))).toEqual(["C1 a"]);
    expect(rules(history, { held: new Set(["b"]), shown: new Set() })).toEqual(["C1 a", "C1 b"]);
  });

  it("counts what was read through any number of writes, done or not, as covered", () => {
    const history = historyOf(["a", "done"], ["b", "unknown", "a"], ["c", "done", "b"]);
    expect(rules(history, found("c"))).toEqual([]);
  });

  it("lets a delete explain it that was done or may have been, and had read it", () => {
    for (const outcome of ["done", "unknown"] as const) {
      expect(rules(historyOf(["a", "done"], ["d1", outcome, "a"]), found())).toEqual([]);
    }
    expect(rules(historyOf(["a", "done"], ["d1", "not done", "a"]), found())).toEqual(["C1 a"]);
    expect(rules(historyOf(["a", "done"], ["d1", "done"]), found())).toEqual(["C1 a"]);
  });

  it("asks nothing of writes that were not acknowledged", () => {
    expect(rules(historyOf(["a", "unknown"], ["b", "not done"]), found())).toEqual([]);
    expect(rules(historyOf(["a", "unknown"]), found("a"))).toEqual([]);
  });
});

describe("C3 to C5", () => {
  it("C3 sees a value that a done operation has replaced or deleted", () => {
    expect(rules(historyOf(["a", "done"], ["b", "done", "a"]), found("a", "b"))).toContain("C3 a");
    expect(rules(historyOf(["a", "done"], ["d1", "done", "a"]), found("a"))).toEqual(["C3 a"]);
    expect(rules(historyOf(["a", "done"], ["d1", "unknown", "a"]), found("a"))).toEqual([]);
  });

  it("C3 and C4 take a replica that is behind for what it is", () => {
    const history = historyOf(["a", "done"], ["b", "done", "a"]);
    expect(rules(history, { held: new Set(["a", "b"]), shown: new Set(["b"]) })).toEqual([]);
  });

  it("C4 sees siblings of which one has read the other", () => {
    expect(rules(historyOf(["a", "done"], ["b", "unknown", "a"]), found("a", "b"))).toEqual(["C4 a"]);
    expect(rules(historyOf(["a", "done"], ["b", "done"]), found("a", "b"))).toEqual([]);
  });

  it("C5 sees what nobody wrote, and what was refused", () => {
    expect(rules(historyOf(["a", "done"]), found("a", "x"))).toEqual(["C5 x"]);
    expect(rules(historyOf(["a", "not done"]), found("a"))).toEqual(["C5 a"]);
    expect(rules(historyOf(["a", "done"]), { held: new Set(["a", "x"]), shown: new Set(["a"]) })).toEqual(["C5 x"]);
  });
});

describe("C6, values that check themselves", () => {
  it("come back as their tag, whatever their size", () => {
    for (const size of [0, 50, 51, 1000, 65_536]) {
      const value = valueOf("put-7", size);
      expect(value.length).toBe(Math.max(size, "put-7||".length + 32));
      expect(tagOf(value)).toBe("put-7");
    }
    expect(valueOf("a", 100)).not.toEqual(valueOf("b", 100));
  });

  it("do not, when one byte is another, or some are missing", () => {
    const value = valueOf("put-7", 200);
    for (let i = 0; i < value.length; i++) {
      const changed = Buffer.from(value);
      changed[i] = (changed[i] as number) ^ 1;
      expect(() => tagOf(changed)).toThrow("corrupt");
    }
    for (const cut of [value.subarray(0, -1), value.subarray(1), value.subarray(0, 40), Buffer.alloc(0)]) {
      expect(() => tagOf(cut)).toThrow("corrupt");
    }
  });
});
