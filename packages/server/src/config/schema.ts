/** What each setting may be: one zod schema over the names of settings.ts, and the typed configuration that a node is started with. */
import { limits, memberProblem } from "@kvorum/core";
import { z } from "zod";
import { formatAddress, parseAddress, type Address } from "./address.js";
import { formatDuration, parseDuration } from "./duration.js";
import { engines, type Engine } from "./engine.js";
import type { SettingName } from "./settings.js";

/** Everything that `runNode` needs to know. Times in milliseconds. */
export interface NodeConfig {
  readonly name: string;
  readonly data: string;
  readonly zone: string;
  readonly http: Address;
  readonly listen: Address;
  /** Undefined: the address that was bound. */
  readonly advertise: Address | undefined;
  readonly httpAdvertise: Address | undefined;
  readonly seeds: readonly Address[];
  /** Asked for explicitly; undefined takes what the cluster has, or {@link foundingDefaults} when it is founded here. */
  readonly partitions: number | undefined;
  readonly replicas: number | undefined;
  readonly engine: Engine;
  readonly gossipIntervalMs: number;
  readonly antiEntropyIntervalMs: number;
  readonly handoffIntervalMs: number;
  readonly hintTtlMs: number;
  readonly reapIntervalMs: number;
  readonly messageLifeMs: number;
  readonly requestTimeoutMs: number;
  readonly valueBytesMax: number;
  readonly siblingsMax: number;
  readonly hints: boolean;
  readonly readRepair: boolean;
  readonly antiEntropy: boolean;
}

export const foundingDefaults = { partitions: 256, replicas: 3 } as const;

/** A frame must take a key's whole state, so one value may be a part of it only. */
const VALUE_BYTES_CEILING = limits.frameBytesMax / 4;
const HOUR_MS = 3_600_000;

/** A value that `parse` understands; `allowed` is the whole of what a person is told otherwise. */
function parsed<In extends string | number | boolean, T>(
  input: z.ZodType<In, In>,
  allowed: string,
  parse: (value: In) => T | undefined,
): z.ZodType<T, In> {
  return input.transform((given, ctx) => {
    const value = parse(given);
    if (value !== undefined) return value;
    ctx.issues.push({ code: "custom", message: allowed, input: given });
    return z.NEVER;
  });
}

function text<T>(allowed: string, parse: (text: string) => T | undefined): z.ZodType<T, string> {
  return parsed(z.string(allowed), allowed, parse);
}

const member = text("1-64 of A-Z a-z 0-9 . _ -", (name) => (memberProblem(name) === undefined ? name : undefined));

function address(lowestPort: 0 | 1): z.ZodType<Address, string> {
  return text(`HOST:PORT such as 127.0.0.1:7401 or [::1]:7401, with a port from ${lowestPort} to 65535`, (written) => {
    const found = parseAddress(written);
    return found !== undefined && found.port >= lowestPort ? found : undefined;
  });
}

function duration(fromMs: number, toMs: number): z.ZodType<number, string> {
  const range = `from ${formatDuration(fromMs)} to ${formatDuration(toMs)}`;
  return text(`a duration such as 200ms, 10s or 3h, ${range}`, (written) => {
    const ms = parseDuration(written);
    return ms !== undefined && ms >= fromMs && ms <= toMs ? ms : undefined;
  });
}

/** A whole number, as a number (files) or as its digits (flags, environment). */
function whole(from: number, to: number): z.ZodType<number, string | number> {
  const allowed = `a whole number from ${from} to ${to}`;
  return parsed(z.union([z.number(), z.string()], allowed), allowed, (given) => {
    const value = typeof given === "number" ? given : /^\d{1,15}$/.test(given) ? Number(given) : Number.NaN;
    return Number.isInteger(value) && value >= from && value <= to ? value : undefined;
  });
}

const partitions = whole(64, 65_536).refine((value) => (value & (value - 1)) === 0, "a power of two from 64 to 65536");

const onOff = "true or false";
const flag = parsed(z.union([z.boolean(), z.string()], onOff), onOff, (given) => {
  if (given === true || given === "true" || given === "1") return true;
  return given === false || given === "false" || given === "0" ? false : undefined;
});

/** Strings apart by commas (flags, environment), or a list (files). A seed twice is one seed. */
const seeds = z
  .union([z.array(z.string()), z.string()], "a list of HOST:PORT, with commas between them")
  .transform((value) => (typeof value === "string" ? value.split(",") : value))
  .transform((texts) => texts.map((text) => text.trim()).filter((text) => text !== ""))
  .pipe(z.array(address(1)))
  .transform((found) => [...new Map(found.map((seed) => [formatAddress(seed), seed])).values()]);

export const schema = z.strictObject({
  name: member,
  data: z.string().min(1, "a path"),
  http: address(0),
  listen: address(0),
  seeds: seeds.optional(),
  zone: member,
  partitions: partitions.optional(),
  replicas: whole(1, 16).optional(),
  advertise: address(1).optional(),
  "http-advertise": address(1).optional(),
  engine: z.enum(engines, "log or lmdb"),
  "gossip-interval": duration(10, HOUR_MS),
  "anti-entropy-interval": duration(10, 168 * HOUR_MS),
  "handoff-interval": duration(10, 24 * HOUR_MS),
  "hint-ttl": duration(10, 8760 * HOUR_MS),
  "reap-interval": duration(10, 24 * HOUR_MS),
  "message-life": duration(10, HOUR_MS),
  "request-timeout": duration(10, limits.requestTimeoutMaxMs),
  "value-bytes-max": whole(1, VALUE_BYTES_CEILING),
  "siblings-max": whole(1, 10_000),
  "no-hints": flag.optional(),
  "no-read-repair": flag.optional(),
  "no-anti-entropy": flag.optional(),
} satisfies Record<SettingName, z.ZodType>);

export type Settings = z.output<typeof schema>;

/** The settings in the house's words: what is switched off by name is switched on by value, and units stand last. */
export function toNodeConfig(from: Settings): NodeConfig {
  return {
    name: from.name,
    data: from.data,
    zone: from.zone,
    http: from.http,
    listen: from.listen,
    advertise: from.advertise,
    httpAdvertise: from["http-advertise"],
    seeds: from.seeds ?? [],
    partitions: from.partitions,
    replicas: from.replicas,
    engine: from.engine,
    gossipIntervalMs: from["gossip-interval"],
    antiEntropyIntervalMs: from["anti-entropy-interval"],
    handoffIntervalMs: from["handoff-interval"],
    hintTtlMs: from["hint-ttl"],
    reapIntervalMs: from["reap-interval"],
    messageLifeMs: from["message-life"],
    requestTimeoutMs: from["request-timeout"],
    valueBytesMax: from["value-bytes-max"],
    siblingsMax: from["siblings-max"],
    hints: from["no-hints"] !== true,
    readRepair: from["no-read-repair"] !== true,
    antiEntropy: from["no-anti-entropy"] !== true,
  };
}
