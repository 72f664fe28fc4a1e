/** `keys` and `conflicts`: lists over the whole cluster, page after page (CONTRACT §3). A list that breaks off is a failure, never a shorter list. */
import { limits, type ConflictPage } from "@kvorum/core";
import type { Command } from "commander";
import type { KvorumApi } from "../api.js";
import { addClientCommand, wholeNumber, type Cli, type ClientOptions } from "../cli.js";
import { columns, formatTime, keyLine, plural } from "../output.js";

interface KeysOptions extends ClientOptions {
  readonly prefix?: string;
  readonly limit?: number;
  readonly cursor?: string;
}

export function addListCommands(program: Command, cli: Cli): void {
  addClientCommand(program, "keys", "list a bucket's keys, one a line, in no promised order")
    .argument("<bucket>")
    .option("--prefix <prefix>", "only keys that begin with it")
    .option("--limit <count>", "at most so many, and a cursor for the rest", wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option("--cursor <cursor>", "go on where a list with --limit ended")
    .action((bucket: string, options: KeysOptions) =>
      cli.client(options, (api) => listKeys(cli, api, bucket, options)),
    );

  addClientCommand(program, "conflicts", "list the keys with siblings that wait to be resolved")
    .argument("[bucket]")
    .action((bucket: string | undefined, options: ClientOptions) =>
      cli.client(options, (api) => listConflicts(cli, api, bucket, options)),
    );
}

/** Lines leave page by page; a JSON document only when it is whole, since it must be one and either the list or the problem. */
async function listKeys(cli: Cli, api: KvorumApi, bucket: string, options: KeysOptions): Promise<void> {
  const { prefix, json = false } = options;
  const all: string[] = [];
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  let cursor = options.cursor ?? null;
  do {
    const limit = Math.min(left, limits.listLimitDefault);
    const page = await api.keys(bucket, { ...(prefix === undefined ? {} : { prefix }), limit, cursor });
    if (json) for (const key of page.keys) all.push(key);
    else await cli.print(page.keys.map((key) => `${keyLine(key)}\n`).join(""));
    left -= page.keys.length;
    cursor = page.cursor;
  } while (cursor !== null && left > 0);
  if (json) await cli.printJson({ keys: all, cursor });
  else if (cursor !== null) cli.say(`there are more: go on with --cursor ${cursor}`);
}

async function listConflicts(
  cli: Cli,
  api: KvorumApi,
  bucket: string | undefined,
  { json }: ClientOptions,
): Promise<void> {
  const found: ConflictPage["conflicts"][number][] = [];
  let total: number;
  let cursor: string | null = null;
  do {
    const page: ConflictPage = await api.conflicts({ bucket, limit: limits.listLimitDefault, cursor });
    found.push(...page.conflicts);
    ({ total, cursor } = page);
  } while (cursor !== null);
  if (json === true) return await cli.printJson({ conflicts: found, cursor, total });
  if (found.length === 0) return cli.say("no key has siblings");
  const rows = found.map((each) => [each.bucket, keyLine(each.key), each.siblings, formatTime(each.since)] as const);
  await cli.print(columns(cli.colours, ["bucket", "key", "siblings", "since"], rows));
  cli.say(`${plural(found.length, "key")} with siblings: kvorum resolve BUCKET KEY`);
}
