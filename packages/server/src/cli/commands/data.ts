/** `put`, `get`, `delete`: one key (CONTRACT §2). Bytes go through as they are; what is said about them goes to stderr. */
import type { Command } from "commander";
import { envelopeOf, contextHeader, type Envelope, type KvorumApi, type QuorumOptions } from "../api.js";
import { addClientCommand, addQuorumOptions, type Cli, type ClientOptions } from "../cli.js";
import { exitCodes, type ExitCode } from "../exit.js";
import type { HttpReply } from "../http-client.js";
import { readAll } from "../io.js";
import { plural } from "../output.js";
import { siblingTables } from "../sibling-view.js";

interface DataOptions extends ClientOptions {
  readonly r?: string;
  readonly w?: string;
  readonly strict?: boolean;
  readonly context?: string;
  readonly contentType?: string;
  readonly ifAbsent?: boolean;
  readonly ttl?: string;
  readonly local?: boolean;
}

export function addDataCommands(program: Command, cli: Cli): void {
  const put = addClientCommand(program, "put", "write a value; stdin is the value when none is given")
    .argument("<bucket>")
    .argument("<key>")
    .argument("[value]", "after -- when it begins with a dash")
    .option("--context <context>", "of the read that this write follows: it replaces what that read saw")
    .option("--content-type <type>", "stored with the value (default: text/plain, or bytes from stdin)")
    .option("--ttl <seconds>", "hide the value after so long; none: keep it, whatever its bucket says")
    .option("--if-absent", "only if a quorum sees no value");
  addQuorumOptions(put, ["w"]).action((bucket: string, key: string, value: string | undefined, options: DataOptions) =>
    cli.client(options, (api) => putValue(cli, api, bucket, key, value, options)),
  );

  const get = addClientCommand(program, "get", "read a value: its exact bytes; exits 4 when siblings stand there")
    .argument("<bucket>")
    .argument("<key>")
    .option("--local", "what this node alone holds: no quorum, no repair");
  addQuorumOptions(get, ["r"]).action((bucket: string, key: string, options: DataOptions) =>
    cli.client(options, (api) => getValue(cli, api, bucket, key, options)),
  );

  const remove = addClientCommand(
    program,
    "delete",
    "remove what a context covers, or else what a quorum read sees now",
  )
    .argument("<bucket>")
    .argument("<key>")
    .option("--context <context>", "of the read that this delete follows");
  addQuorumOptions(remove, ["w"]).action((bucket: string, key: string, options: DataOptions) =>
    cli.client(options, async (api) => {
      const context = await api.delete(bucket, key, { ...quorumOf(options), context: options.context });
      await told(cli, options, "deleted", context);
    }),
  );
}

function quorumOf({ r, w, strict, timeout }: DataOptions): QuorumOptions {
  return {
    ...(r === undefined ? {} : { r }),
    ...(w === undefined ? {} : { w }),
    ...(strict === undefined ? {} : { strict }),
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
  };
}

/** What a write leaves behind: its context, as data where a program reads, in words otherwise. */
export async function told(cli: Cli, { json }: ClientOptions, what: string, context: string): Promise<void> {
  if (json === true) await cli.printJson({ context });
  else cli.say(`${what}\ncontext ${context}`);
}

async function putValue(
  cli: Cli,
  api: KvorumApi,
  bucket: string,
  key: string,
  value: string | undefined,
  options: DataOptions,
): Promise<void> {
  if (value === undefined && cli.io.stdin.isTTY === true)
    cli.say("reading the value from the terminal; end it with Ctrl-D");
  const body = value === undefined ? await readAll(cli.io.stdin) : Buffer.from(value);
  const {
    context,
    ifAbsent,
    ttl,
    contentType = value === undefined ? undefined : "text/plain; charset=utf-8",
  } = options;
  await told(
    cli,
    options,
    "stored",
    await api.put(bucket, key, body, { ...quorumOf(options), context, ifAbsent, ttl, contentType }),
  );
}

async function getValue(
  cli: Cli,
  api: KvorumApi,
  bucket: string,
  key: string,
  options: DataOptions,
): Promise<ExitCode> {
  const read = { ...quorumOf(options), local: options.local ?? false };
  if (options.json === true) return await getEnvelope(cli, api, bucket, key, read);
  const reply = await api.get(bucket, key, read);
  if (reply.status === 300) return await showSiblings(cli, envelopeOf(reply));
  await cli.print(reply.body);
  if (cli.io.stdout.isTTY === true) tellOfValue(cli, reply);
  return exitCodes.done;
}

/** Beside the bytes, for eyes only: a pipe gets nothing but the value. */
function tellOfValue(cli: Cli, { body, headers }: HttpReply): void {
  if (body.length > 0 && body.at(-1) !== 0x0a) cli.say("");
  cli.say(cli.colours.dim(`context ${headers[contextHeader] ?? "none"}`));
}

async function getEnvelope(
  cli: Cli,
  api: KvorumApi,
  bucket: string,
  key: string,
  read: QuorumOptions & { local: boolean },
): Promise<ExitCode> {
  const { envelope, reply } = await api.envelope(bucket, key, read);
  if (envelope.siblings.length > 0) {
    await cli.print(`${reply.body.toString("utf8")}\n`);
    return envelope.siblings.length > 1 ? exitCodes.siblings : exitCodes.done;
  }
  // HTTP has two forms of 404, the empty envelope with its context and the problem: here they are one document.
  const detail = `nothing stands at ${bucket}/${key}`;
  await cli.printJson({ ...envelope, type: "urn:kvorum:not-found", title: "Not found", status: 404, detail });
  cli.say(`kvorum get: ${detail}`);
  return exitCodes.notFound;
}

async function showSiblings(cli: Cli, { bucket, key, siblings, context }: Envelope): Promise<ExitCode> {
  await cli.print(siblingTables(siblings, cli.width, cli.colours));
  cli.say(
    `${plural(siblings.length, "sibling")}, written without knowing of each other. Choose with kvorum resolve ${bucket} ${key} ` +
      `--pick N, --value V or --merge\ncontext ${context ?? "none"}`,
  );
  return exitCodes.siblings;
}
