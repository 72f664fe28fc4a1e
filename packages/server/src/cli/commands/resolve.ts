/** `resolve`: a person or a rule makes one value of a key's siblings, written back with the context that covers them all (Dynamo §4.4). */
import { Option, type Command } from "commander";
import type { Envelope, KvorumApi, SiblingView } from "../api.js";
import { addClientCommand, wholeNumber, type Cli, type ClientOptions } from "../cli.js";
import { CliError, exitCodes, failedError, usageError, type ExitCode } from "../exit.js";
import { mergeFields } from "../merge-fields.js";
import { resolutionOf, sharedType, type Resolution } from "../resolution.js";
import { askForResolution } from "../resolve-prompt.js";
import { told } from "./data.js";

interface ResolveOptions extends ClientOptions {
  readonly pick?: number;
  readonly value?: string;
  readonly merge?: boolean;
  readonly prefer?: "newest";
  readonly contentType?: string;
}

export function addResolveCommand(program: Command, cli: Cli): void {
  addClientCommand(program, "resolve", "make one value of a key's siblings; asks at a terminal when no way is given")
    .argument("<bucket>")
    .argument("<key>")
    .addOption(
      new Option("--pick <n>", "keep sibling N, counted from 1 as get lists them")
        .argParser(wholeNumber(1, 1_000_000))
        .conflicts(["value", "merge"]),
    )
    .addOption(new Option("--value <value>", "replace them all by this value").conflicts(["pick", "merge"]))
    .addOption(new Option("--merge", "merge JSON objects field by field; refuses fields that differ"))
    .addOption(new Option("--prefer <which>", "with --merge: where fields differ, take").choices(["newest"]))
    .option("--content-type <type>", "with --value (default: the siblings' own when they share one)")
    .action((bucket: string, key: string, options: ResolveOptions) => {
      checkOptions(options);
      return cli.client(options, (api) => resolve(cli, api, bucket, key, options));
    });
}

function checkOptions({ merge, prefer, value, contentType }: ResolveOptions): void {
  if (prefer !== undefined && merge !== true) throw usageError("--prefer belongs to --merge");
  if (contentType !== undefined && value === undefined) throw usageError("--content-type belongs to --value");
}

async function resolve(
  cli: Cli,
  api: KvorumApi,
  bucket: string,
  key: string,
  options: ResolveOptions,
): Promise<ExitCode> {
  const { envelope } = await api.envelope(bucket, key);
  if (envelope.siblings.length === 0) throw notFound(bucket, key);
  const resolution = await chosen(cli, envelope, options);
  if (resolution === "stands") {
    if (options.json === true) await cli.printJson({ context: envelope.context });
    else cli.say("one value stands there: nothing to resolve");
    return exitCodes.done;
  }
  const { body, contentType } = resolution;
  const context = await api.put(bucket, key, body, { context: envelope.context ?? undefined, contentType });
  await told(cli, options, `resolved: ${envelope.siblings.length} became one`, context);
  return exitCodes.done;
}

/** `stands`: there is one value, and no other was asked for. */
async function chosen(cli: Cli, envelope: Envelope, options: ResolveOptions): Promise<Resolution | "stands"> {
  const { siblings } = envelope;
  if (options.value !== undefined) {
    return { body: Buffer.from(options.value), contentType: options.contentType ?? sharedType(siblings) };
  }
  const picked = options.pick === undefined ? undefined : siblings[options.pick - 1];
  if (options.pick !== undefined && picked === undefined) {
    throw usageError(
      `--pick ${options.pick}: there ${siblings.length === 1 ? "is 1 value" : `are ${siblings.length} siblings`}`,
    );
  }
  if (siblings.length === 1) return "stands";
  if (picked !== undefined) return resolutionOf(picked);
  if (options.merge === true) return mergeOf(siblings, options.prefer);
  if (cli.io.stdin.isTTY !== true) {
    throw usageError(
      `${siblings.length} siblings: say how with --pick N, --value V or --merge, or run it at a terminal`,
    );
  }
  const answer = await askForResolution(cli, envelope);
  if (answer === undefined) throw failedError("cancelled", "Cancelled", "nothing was changed");
  return answer;
}

function mergeOf(siblings: readonly SiblingView[], prefer: "newest" | undefined): Resolution {
  const merge = mergeFields(siblings, prefer ?? "none");
  if (merge.ok) return { body: Buffer.from(merge.value), contentType: merge.contentType };
  const way = merge.fields.length > 0 ? "--prefer newest, --pick N or --value V" : "--pick N or --value V";
  throw new CliError(exitCodes.siblings, {
    type: "urn:kvorum:merge-refused",
    title: "The siblings cannot be merged",
    detail: `${merge.reason}: resolve with ${way}`,
    fields: merge.fields,
  });
}

function notFound(bucket: string, key: string): CliError {
  const detail = `nothing stands at ${bucket}/${key}`;
  return new CliError(exitCodes.notFound, { type: "urn:kvorum:not-found", title: "Not found", status: 404, detail });
}
