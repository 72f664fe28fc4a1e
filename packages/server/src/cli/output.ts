/** How data looks on a screen: plain columns that scripts can cut, colours for terminals only, nothing that a value could do to a terminal. */
import Table from "cli-table3";
import pc from "picocolors";
import { wantsColour, type Io, type OutputStream } from "./io.js";

export type Colours = ReturnType<typeof pc.createColors>;

export function coloursFor(stream: OutputStream, env: Io["env"]): Colours {
  return pc.createColors(wantsColour(stream, env));
}

const edges = ["top", "bottom", "left", "right", "mid"].flatMap((edge) => [edge, `${edge}-mid`]);
const corners = ["top-left", "top-right", "bottom-left", "bottom-right"];
const noBorders = { ...Object.fromEntries([...edges, ...corners].map((border) => [border, ""])), middle: "  " };

/** Columns under their names, two spaces between them, one line a row. Cells are made {@link printable}. */
export function columns(
  colours: Colours,
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const table = new Table({
    head: head.map((name) => colours.dim(name.toUpperCase())),
    chars: noBorders,
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [], compact: true },
  });
  for (const row of rows) table.push(row.map((cell) => (typeof cell === "number" ? String(cell) : cell)));
  return `${table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")}\n`;
}

/** C0 and C1 controls, and marks that reverse or hide text: what could steer a terminal or deceive its reader. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const unprintable = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** The text with what a terminal would act on written out: ESC becomes `\u001b`, a line's end `\n`. */
export function printable(text: string): string {
  return text.replace(unprintable, (character) => {
    if (character === "\n") return "\\n";
    if (character === "\t") return "\\t";
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/**
 * A key on a line of its own: as it is, or as a JSON string when it could be mistaken (it has control characters, or begins with a
 * quote). So a line that begins with `"` is always JSON, and no other ever needs decoding.
 */
export function keyLine(key: string): string {
  unprintable.lastIndex = 0;
  return key.startsWith('"') || unprintable.test(key) ? printableJson(key) : key;
}

function printableJson(text: string): string {
  return JSON.stringify(text).replace(unprintable, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** `1.4 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"] as const;
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  const scaled = bytes / 1024 ** power;
  return `${power === 0 ? Math.round(scaled) : scaled.toFixed(1)} ${units[power]}`;
}

/** `2026-11-23 09:30:00.123Z`: readable, sortable, and the same on every machine. */
export function formatTime(ms: number): string {
  const time = new Date(ms);
  return Number.isNaN(time.getTime()) ? String(ms) : time.toISOString().replace("T", " ");
}

/** `1 key`, `2 keys`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? one : many}`;
}
