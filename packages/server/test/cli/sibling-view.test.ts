/** Siblings as a person sees them: readable, side by side, and harmless to the terminal. */
import { expect, test } from "vitest";
import type { SiblingView } from "../../src/cli/api.js";
import { coloursFor } from "../../src/cli/output.js";
import { siblingTables, valueLine, valuePreview } from "../../src/cli/sibling-view.js";

function sibling(value: string, more: Partial<SiblingView> = {}): SiblingView {
  return {
    value,
    encoding: "utf8",
    contentType: "text/plain",
    dot: "a:1",
    timestamp: 0,
    clock: { a: 1, b: 2 },
    origin: { node: "n1", fallback: true, context: false },
    ...more,
  };
}

test("what a value could do to a terminal is written out", () => {
  for (const show of [(s: SiblingView) => valuePreview(s), (s: SiblingView) => valueLine(s, 40)]) {
    expect(show(sibling("\u001b]0;x\u0007\u202eevil"))).toBe("\\u001b]0;x\\u0007\\u202eevil");
  }
});

test("JSON is indented where that changes nothing but spaces, and never where a parse would", () => {
  expect(valuePreview(sibling('{"a":1}'))).toBe('{\n  "a": 1\n}');
  expect(valuePreview(sibling('{"a":12345678901234567891}'))).toBe('{"a":12345678901234567891}');
  expect(valuePreview(sibling("{broken"))).toBe("{broken");
});

test("a line shows a value's beginning, whatever its form", () => {
  expect(valueLine(sibling('{"a":1}'), 40)).toBe('{"a":1}');
  expect(valueLine(sibling("x".repeat(100)), 10)).toBe(`${"x".repeat(9)}…`);
  expect(valueLine(sibling("one\ntwo"), 40)).toBe("one\\ntwo");
  expect(valueLine(sibling("AP8=", { encoding: "base64" }), 40)).toBe("2 B: 00 ff");
});

test("on a terminal with colours each label is one word on one line", () => {
  const text = siblingTables([sibling("one"), sibling("two")], 90, coloursFor({ isTTY: true } as never, {}));
  for (const label of ["value", "type", "written", "origin", "dot", "clock"]) {
    expect(text).toMatch(new RegExp(`^│ ${label} +│`, "m"));
  }
});

test("as many stand beside each other as fit, numbered through as --pick counts", () => {
  const plain = coloursFor(process.stdout, { NO_COLOR: "1" });
  const text = siblingTables([sibling("one"), sibling("two"), sibling("three")], 90, plain);
  const heads = text.split("\n").filter((line) => line.includes("#"));
  expect(heads.map((line) => line.match(/#\d/g))).toEqual([["#1", "#2"], ["#3"]]);
  expect(text.split("\n").every((line) => line.length <= 90)).toBe(true);
  for (const part of ["n1 (fallback), blind", "a:1", "b:2"]) expect(text).toContain(part);
});
