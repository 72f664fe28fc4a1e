/** `import` and `export`: many keys at a time (CONTRACT §2). Nothing is lost in silence: what was not stored or not written is named and counted. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Option, type Command } from "commander";
import type { KvorumApi } from "../api.js";
import { exportAll, type ExportSummary, type SiblingRule } from "../bulk/exporter.js";
import type { Rejected, SourceItem } from "../bulk/entry.js";
import { importAll, type ImportSummary } from "../bulk/importer.js";
import { jsonEntry, readJsonLines } from "../bulk/json-lines.js";
import { progressBar } from "../bulk/progress.js";
import { walk } from "../bulk/walk.js";
import { addClientCommand, wholeNumber, type Cli, type ClientOptions } from "../cli.js";
import { exitCodes, messageOf, usageError, type ExitCode } from "../exit.js";
import { formatBytes, keyLine, plural, printable } from "../output.js";

interface BulkOptions extends ClientOptions {
  readonly concurrency: number;
}

interface ImportCommandOptions extends BulkOptions {
  readonly dir?: string;
  readonly blind?: boolean;
  readonly allowTooLarge?: boolean;
}

interface ExportCommandOptions extends BulkOptions {
  readonly prefix?: string;
  readonly siblings: SiblingRule;
}

const CONCURRENCY = 32;

export function addBulkCommands(program: Command, cli: Cli): void {
  const concurrency = (): Option =>
    new Option("--concurrency <count>", "keys under way at once").default(CONCURRENCY).argParser(wholeNumber(1, 1024));

  addClientCommand(
    program,
    "import",
    "store JSON lines, or a folder with one key per file; replaces what a quorum sees",
  )
    .argument("<bucket>")
    .argument("[file]", 'JSON lines {"key","value","encoding"?,"contentType"?}; - is stdin')
    .option("--dir <dir>", "store each file below it under its path; links are not followed")
    .option("--blind", "do not read first: faster into an empty bucket, siblings where something stands")
    .option("--allow-too-large", "exit 0 although values were too large for the server; they are named all the same")
    .addOption(concurrency())
    .action(async (bucket: string, file: string | undefined, options: ImportCommandOptions) => {
      if ((file === undefined) === (options.dir === undefined)) {
        throw usageError("import takes a file of JSON lines (- is stdin) or --dir DIR, one of the two");
      }
      const source =
        options.dir === undefined ? await linesSource(cli, file as string) : await folderSource(options.dir);
      await cli.client(options, (api) => runImport(cli, api, bucket, source, options), options.concurrency);
    });

  addClientCommand(program, "export", "write a bucket as the JSON lines that import reads")
    .argument("<bucket>")
    .option("--prefix <prefix>", "only keys that begin with it")
    .addOption(
      new Option("--siblings <rule>", "keys with siblings: report and exit 4, write the newest value, or skip")
        .choices(["refuse", "newest", "skip"])
        .default("refuse"),
    )
    .addOption(concurrency())
    .action((bucket: string, options: ExportCommandOptions) =>
      cli.client(options, (api) => runExport(cli, api, bucket, options), options.concurrency),
    );
}

interface Source {
  readonly items: AsyncIterable<SourceItem> | Iterable<SourceItem>;
  /** In the units of its items' progress; 0 when it is not known. */
  readonly total: number;
}

async function linesSource(cli: Cli, file: string): Promise<Source> {
  if (file === "-") return { items: readJsonLines(cli.io.stdin), total: 0 };
  return await readable(file, async () => {
    const found = await stat(file);
    if (found.isDirectory()) throw new Error("it is a folder; give it with --dir");
    return { items: readJsonLines(createReadStream(file)), total: found.size };
  });
}

/** The whole list first: it is small beside what it names, and the bar knows its length. */
async function folderSource(folder: string): Promise<Source> {
  return await readable(folder, async () => {
    const items: SourceItem[] = [];
    for await (const item of walk(folder)) items.push(item);
    return { items, total: items.length };
  });
}

async function readable<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw usageError(`${path} cannot be read: ${messageOf(error)}`);
  }
}

async function runImport(
  cli: Cli,
  api: KvorumApi,
  bucket: string,
  source: Source,
  options: ImportCommandOptions,
): Promise<ExitCode> {
  const bar = progressBar(cli.io.stderr, source.total);
  const started = performance.now();
  const summary = await importAll(api, source.items, {
    bucket,
    concurrency: options.concurrency,
    blind: options.blind ?? false,
    onProgress: (by, now) => bar.advance(by, `${plural(now.stored, "key")} stored, ${formatBytes(now.bytes)}`),
  });
  const seconds = Math.max(0.001, (performance.now() - started) / 1000);
  bar.clear();
  tellImport(cli, summary, seconds);
  if (options.json === true) await cli.printJson({ bucket, seconds, ...summary });
  const { failed, tooLarge, stopped } = summary;
  const whole =
    failed.length === 0 && stopped === undefined && (tooLarge.length === 0 || options.allowTooLarge === true);
  return whole ? exitCodes.done : exitCodes.failed;
}

function tellImport(cli: Cli, summary: ImportSummary, seconds: number): void {
  const { stored, bytes, retries, skipped, tooLarge, failed, stopped } = summary;
  tellEach(cli, "skipped", skipped);
  tellEach(cli, "too large", tooLarge);
  tellEach(cli, "failed", failed);
  if (stopped !== undefined) cli.say(`stopped, the rest was not tried: ${stopped}`);
  const rate = `${Math.round(stored / seconds).toLocaleString("en-US")} keys/s, ${formatBytes(bytes / seconds)}/s`;
  cli.say(
    `stored ${plural(stored, "key")}, ${formatBytes(bytes)} in ${seconds.toFixed(1)} s (${rate}); ` +
      `skipped ${skipped.length}, too large ${tooLarge.length}, failed ${failed.length}, retries ${retries}`,
  );
}

/** Each by name: a count alone would not tell which. */
function tellEach(cli: Cli, what: string, rejected: readonly Rejected[]): void {
  for (const { where, reason } of rejected) cli.say(`${what}: ${keyLine(where)}: ${printable(reason)}`);
}

async function runExport(cli: Cli, api: KvorumApi, bucket: string, options: ExportCommandOptions): Promise<ExitCode> {
  const { json = false, prefix, concurrency, siblings } = options;
  const entries: unknown[] = [];
  // A bar and lines on one terminal would write over each other.
  const bar = progressBar(cli.io.stderr, 0, json || cli.io.stdout.isTTY !== true);
  let written = 0;
  const summary = await exportAll(api, {
    bucket,
    prefix,
    concurrency,
    siblings,
    onEntry: async (key, sibling) => {
      bar.advance(1, `${plural(++written, "key")} written`);
      const entry = jsonEntry(key, sibling);
      if (json) entries.push(entry);
      else await cli.print(`${JSON.stringify(entry)}\n`);
    },
  }).finally(() => bar.clear());
  if (json) await cli.printJson({ bucket, entries, conflicts: summary.conflicts });
  return tellExport(cli, summary, siblings);
}

function tellExport(cli: Cli, { exported, conflicts }: ExportSummary, rule: SiblingRule): ExitCode {
  const made = { refuse: "not written", skip: "skipped", newest: "its newest value written" } as const;
  for (const key of conflicts) cli.say(`siblings: ${keyLine(key)}: ${made[rule]}`);
  cli.say(`exported ${plural(exported, "key")}; ${plural(conflicts.length, "key")} with siblings`);
  if (conflicts.length === 0 || rule !== "refuse") return exitCodes.done;
  cli.say("resolve them, or export with --siblings newest or --siblings skip");
  return exitCodes.siblings;
}
