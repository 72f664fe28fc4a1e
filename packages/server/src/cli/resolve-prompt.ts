/** `resolve` at a terminal: the siblings side by side, and the ways there are to make one of them. */
import type { Envelope } from "./api.js";
import type { Cli } from "./cli.js";
import { widthOf } from "./io.js";
import { newestOf, mergeFields } from "./merge-fields.js";
import { coloursFor, printable } from "./output.js";
import { resolutionOf, sharedType, type Resolution } from "./resolution.js";
import { siblingTables, valueLine } from "./sibling-view.js";

const LABEL_CHARS = 60;

type Way = { readonly label: string; readonly hint?: string; readonly value: Resolution | "write" | "cancel" };

/** Undefined when the person gives up. Everything is shown on stderr: stdout stays the data's. */
export async function askForResolution(cli: Cli, { siblings }: Envelope): Promise<Resolution | undefined> {
  const { isCancel, select, text } = await import("@clack/prompts");
  const { stdin: input, stderr: output, env } = cli.io;
  output.write(siblingTables(siblings, widthOf(output), coloursFor(output, env)));
  // The prompt asks the stream, and on a terminal of no width would write one letter a line.
  if (output.columns === 0) Object.assign(output, { columns: widthOf(output) });
  const way = await select({ message: "Which shall stand?", options: waysOf(siblings), input, output });
  if (isCancel(way) || way === "cancel") return undefined;
  if (way !== "write") return way;
  const value = await text({ message: "The value that shall stand", input, output });
  return isCancel(value) ? undefined : { body: Buffer.from(value), contentType: sharedType(siblings) };
}

function waysOf(siblings: Envelope["siblings"]): Way[] {
  const newest = newestOf(siblings);
  const picks = siblings.map((sibling, index): Way => {
    const label = `#${index + 1}  ${valueLine(sibling, LABEL_CHARS)}`;
    return { label, value: resolutionOf(sibling), ...(sibling === newest ? { hint: "newest" } : {}) };
  });
  const merge = mergeFields(siblings, "none");
  const merged: Way[] = merge.ok
    ? [
        {
          label: "merge the fields",
          hint: printable(merge.value.slice(0, LABEL_CHARS)),
          value: { ...merge, body: Buffer.from(merge.value) },
        },
      ]
    : [];
  return [
    ...picks,
    ...merged,
    { label: "write another value", value: "write" },
    { label: "leave it", value: "cancel" },
  ];
}
