/** Where a setting's value comes from: flags over environment over file over defaults, every value with its origin (CONTRACT §2). */
import { readFileSync } from "node:fs";
import { parse as parseToml, TomlError } from "smol-toml";
import { isWildcard, type Address } from "./address.js";
import { ConfigError } from "./config-error.js";
import { schema, toNodeConfig, type NodeConfig, type Settings } from "./schema.js";
import { environmentName, settingNames, settingOf, type RawSetting, type SettingName } from "./settings.js";

export interface ConfigSources {
  /** Flags that were given, by setting name (`gossip-interval`), and `config` for the file. */
  readonly flags: ReadonlyMap<string, unknown>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface ResolvedConfig {
  readonly config: NodeConfig;
  /** Each setting that has a value, as it was written and where. */
  readonly raw: ReadonlyMap<SettingName, RawSetting>;
}

/** @throws ConfigError with one line that names the setting, its origin and what is allowed. */
export function resolveConfig(sources: ConfigSources): ResolvedConfig {
  const { flags, env } = sources;
  refuseUnknownVariables(env);
  const file = fileSettings(stringOf(flags.get("config")) ?? given(env[environmentName("config")]));
  const raw = new Map<SettingName, RawSetting>();
  for (const name of settingNames) {
    const found = firstOf(name, flags, env, file);
    if (found !== undefined) raw.set(name, found);
  }
  return { config: withReachableAddresses(toNodeConfig(parseSettings(raw))), raw };
}

function firstOf(
  name: SettingName,
  flags: ConfigSources["flags"],
  env: ConfigSources["env"],
  file: ReadonlyMap<string, RawSetting>,
): RawSetting | undefined {
  if (flags.has(name)) return { value: flags.get(name), origin: `--${name}` };
  const variable = environmentName(name);
  const fromEnv = given(env[variable]);
  if (fromEnv !== undefined) return { value: fromEnv, origin: variable };
  const fallback = settingOf(name).fallback;
  return file.get(name) ?? (fallback === undefined ? undefined : { value: fallback, origin: "default" });
}

function parseSettings(raw: ReadonlyMap<SettingName, RawSetting>): Settings {
  const result = schema.safeParse(Object.fromEntries([...raw].map(([name, { value }]) => [name, value])));
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const name = String(issue?.path[0]) as SettingName;
  const found = raw.get(name);
  if (found === undefined) {
    throw new ConfigError(`${name} is missing: give --${name}, ${environmentName(name)}, or ${name} in a config file`);
  }
  throw new ConfigError(`${found.origin} is ${show(found.value)}: ${issue?.message ?? "not allowed"}`);
}

/**
 * A node that binds every address must say which of them its peers dial. Where only HTTP binds them all, its clients find it on the
 * host that its peers do.
 */
export function withReachableAddresses(config: NodeConfig): NodeConfig {
  const { listen, http, advertise = listen } = config;
  if (isWildcard(advertise)) throw unreachable(config.advertise === undefined ? "listen" : "advertise", advertise);
  if (config.httpAdvertise !== undefined && isWildcard(config.httpAdvertise)) {
    throw unreachable("http-advertise", config.httpAdvertise);
  }
  if (config.httpAdvertise !== undefined || !isWildcard(http)) return config;
  if (http.port === 0) throw unreachable("http", http);
  return { ...config, httpAdvertise: { host: advertise.host, port: http.port } };
}

function unreachable(name: "listen" | "http" | "advertise" | "http-advertise", { host }: Address): ConfigError {
  const advertise = name.startsWith("http") ? "http-advertise" : "advertise";
  return new ConfigError(`${name} is ${show(host)}, which others cannot dial: give --${advertise} HOST:PORT`);
}

/** Read by client commands and tests: no settings of a node. */
const OTHER_VARIABLES = /^KVORUM_(URL$|CONFIG$|TEST_)/;
/** What Kubernetes and Docker tell a container of a service or link whose name begins with "kvorum". */
const SERVICE_VARIABLES =
  /^KVORUM_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT|PORT_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)$/;

function refuseUnknownVariables(env: ConfigSources["env"]): void {
  const known = new Set(settingNames.map(environmentName));
  for (const variable of Object.keys(env)) {
    if (!variable.startsWith("KVORUM_") || known.has(variable)) continue;
    if (OTHER_VARIABLES.test(variable) || SERVICE_VARIABLES.test(variable)) continue;
    throw new ConfigError(`${variable} in the environment is no setting; known are ${[...known].join(" ")}`);
  }
}

/** The keys of a TOML or JSON file, checked to be settings. */
function fileSettings(path: string | undefined): ReadonlyMap<string, RawSetting> {
  const found = new Map<string, RawSetting>();
  if (path === undefined) return found;
  for (const [key, value] of Object.entries(readConfigFile(path))) {
    if (!(settingNames as readonly string[]).includes(key)) {
      throw new ConfigError(`${key} in ${path} is no setting; known are ${settingNames.join(" ")}`);
    }
    found.set(key, { value, origin: `${key} in ${path}` });
  }
  return found;
}

function readConfigFile(path: string): object {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigError(`the config file ${path} cannot be read: ${firstLine(error)}`);
  }
  try {
    const json = path.endsWith(".json");
    const found: unknown = json ? JSON.parse(text) : parseToml(text);
    if (typeof found === "object" && found !== null && !Array.isArray(found)) return found;
    throw new Error("it holds no settings by name");
  } catch (error) {
    const at = error instanceof TomlError ? `line ${error.line}, column ${error.column}: ` : "";
    throw new ConfigError(`the config file ${path} is malformed: ${at}${firstLine(error)}`);
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";
}

/** An empty variable is one that is not set: compose files and shells make them out of nothing. */
function given(value: string | undefined): string | undefined {
  return value === undefined || value === "" ? undefined : value;
}

function stringOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
