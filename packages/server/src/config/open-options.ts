/** What a program says of the node it opens, turned into the configuration of a node: the settings of `kvorum start`, in camel case. */
import { ConfigError } from "./config-error.js";
import type { Address } from "./address.js";
import { withReachableAddresses } from "./resolve-config.js";
import { schema, toNodeConfig, type NodeConfig } from "./schema.js";
import { settingNames, settingOf } from "./settings.js";

/** Durations are texts such as `200ms`, `10s`, `3h`; addresses are `host:port`, where port 0 takes a free one. */
export interface NodeOptions {
  /** The data folder; made when missing. One process at a time. */
  readonly data: string;
  /** The member's name (default `n1`), the same whenever this folder is opened. */
  readonly name?: string | undefined;
  /** Where members and clients reach this node. Without it the node is alone: it opens no port and dials nobody. */
  readonly listen?: string | undefined;
  /** Where HTTP is served (and the console, and metrics). Without it there is none. */
  readonly http?: string | undefined;
  /** Members to join through. Without any, a new folder founds a cluster. */
  readonly seeds?: readonly string[] | undefined;
  readonly zone?: string | undefined;
  /** Where this node is reached, when that is not where it listens. */
  readonly advertise?: string | undefined;
  readonly httpAdvertise?: string | undefined;
  /** At founding only: partitions of the ring (default 256), and replicas of each key, N (default 3). */
  readonly partitions?: number | undefined;
  readonly replicas?: number | undefined;
  /** What a new data folder is made for (default `log`). */
  readonly engine?: "log" | "lmdb" | undefined;
  readonly valueBytesMax?: number | undefined;
  readonly siblingsMax?: number | undefined;
  readonly gossipInterval?: string | undefined;
  readonly antiEntropyInterval?: string | undefined;
  readonly handoffInterval?: string | undefined;
  readonly hintTtl?: string | undefined;
}

/** Of {@link NodeOptions}, without what is the client's. */
export type OpenConfig = Omit<NodeConfig, "http" | "listen"> & {
  readonly http: Address | undefined;
  readonly listen: Address | undefined;
};

/** @throws ConfigError with one line that names the option and what is allowed. */
export function openConfigOf(options: NodeOptions): OpenConfig {
  const given = new Map<string, unknown>(Object.entries(options).filter(([, value]) => value !== undefined));
  const settings: Record<string, unknown> = { name: "n1" };
  for (const name of settingNames) {
    const value = given.get(optionName(name)) ?? settingOf(name).fallback;
    if (value !== undefined) settings[name] = value;
  }
  const parsed = schema.safeParse(settings);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const option = optionName(String(issue?.path[0] ?? "data"));
    throw new ConfigError(`${option} is ${JSON.stringify(given.get(option))}: ${issue?.message ?? "not allowed"}`);
  }
  if (options.listen === undefined && (options.seeds?.length ?? 0) > 0) {
    throw new ConfigError("seeds without listen: a member must be reached by the others; give listen as HOST:PORT");
  }
  // What was not asked for is not opened: the defaults of `kvorum start` are for a node that serves.
  const asked = toNodeConfig(parsed.data);
  const config = options.listen === undefined ? asked : withReachableAddresses(asked);
  return {
    ...config,
    listen: options.listen === undefined ? undefined : config.listen,
    http: options.http === undefined ? undefined : config.http,
  };
}

/** `gossip-interval` is `gossipInterval`. */
function optionName(setting: string): string {
  return setting.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
