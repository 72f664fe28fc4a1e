/** Siblings side by side, each with its value, clock, dot and origin, so that a person can compare them and see why they are concurrent (DESIGN §4). */
import Table from "cli-table3";
import type { SiblingView } from "./api.js";
import { formatBytes, formatTime, printable, type Colours } from "./output.js";

const LABEL_WIDTH = 12;
const COLUMN_WIDTH_MIN = 36;
const COLUMN_WIDTH_MAX = 60;
const VALUE_LINES_MAX = 24;
const VALUE_CHARS_MAX = 2000;

/** Tables of as many siblings as fit beside each other in `width` columns, numbered from 1 as `resolve --pick` counts them. */
export function siblingTables(siblings: readonly SiblingView[], width: number, colours: Colours): string {
  // Each column has a border on its right; the labels have one on both sides.
  const room = width - LABEL_WIDTH - 2;
  const perTable = Math.max(1, Math.min(siblings.length, Math.floor(room / COLUMN_WIDTH_MIN)));
  const columnWidth = Math.min(COLUMN_WIDTH_MAX, Math.max(COLUMN_WIDTH_MIN, Math.floor(room / perTable)) - 1);
  const tables: string[] = [];
  for (let first = 0; first < siblings.length; first += perTable) {
    tables.push(oneTable(siblings.slice(first, first + perTable), first + 1, columnWidth, colours));
  }
  return `${tables.join("\n")}\n`;
}

function oneTable(siblings: readonly SiblingView[], from: number, columnWidth: number, colours: Colours): string {
  const table = new Table({
    head: ["", ...siblings.map((_, index) => colours.bold(`#${from + index}`))],
    colWidths: [LABEL_WIDTH, ...siblings.map(() => columnWidth)],
    wordWrap: true,
    wrapOnWordBoundary: false,
    style: { head: [], border: [] },
  });
  const row = (label: string, show: (sibling: SiblingView) => string): void => {
    // Without a colour: the table counts its escapes as letters, and would break the word between them.
    table.push([label, ...siblings.map(show)]);
  };
  row("value", (sibling) => valuePreview(sibling));
  row("type", (sibling) => printable(sibling.contentType));
  row("written", (sibling) => formatTime(sibling.timestamp));
  if (siblings.some(({ expires }) => expires !== undefined)) {
    row("expires", ({ expires }) => (expires === undefined ? "" : formatTime(expires)));
  }
  row("origin", originOf);
  row("dot", (sibling) => printable(sibling.dot));
  row("clock", clockOf);
  return table.toString();
}

/** Who took the write, and what it knew: a blind write replaces nothing, which is why it stands beside the others. */
export function originOf({ origin }: SiblingView): string {
  const role = origin.fallback ? " (fallback)" : "";
  return `${printable(origin.node)}${role}, ${origin.context ? "with a context" : "blind"}`;
}

function clockOf({ clock }: SiblingView): string {
  return Object.entries(clock)
    .map(([actor, n]) => `${printable(actor)}:${n}`)
    .join("\n");
}

/** The value as a person can read it: JSON indented, text with controls written out, other bytes as hex, long ones cut. */
export function valuePreview({ value, encoding }: SiblingView): string {
  if (encoding === "base64") return bytesPreview(value);
  const text = indented(value);
  const lines = text.slice(0, VALUE_CHARS_MAX).split("\n").slice(0, VALUE_LINES_MAX).map(printable);
  const shown = lines.join("\n");
  return text.length > VALUE_CHARS_MAX || text.split("\n").length > VALUE_LINES_MAX ? `${shown}\n…` : shown;
}

/** The value's beginning on one line. */
export function valueLine({ value, encoding }: SiblingView, width: number): string {
  const shown = encoding === "base64" ? bytesPreview(value) : printable(value.slice(0, width + 1));
  return shown.length > width ? `${shown.slice(0, width - 1)}…` : shown;
}

function bytesPreview(base64: string): string {
  const bytes = Buffer.from(base64, "base64");
  const hex = bytes.toString("hex", 0, 16).replace(/(..)(?=.)/g, "$1 ");
  return `${formatBytes(bytes.length)}: ${hex}${bytes.length > 16 ? " …" : ""}`;
}

/** Indented only where that changes nothing but spaces: a long number would be rounded by the parse. */
function indented(json: string): string {
  if (!/^[{[]/.test(json)) return json;
  try {
    const parsed: unknown = JSON.parse(json);
    return JSON.stringify(parsed) === json ? JSON.stringify(parsed, null, 2) : json;
  } catch {
    return json;
  }
}
