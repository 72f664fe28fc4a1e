/** Every setting of `kvorum start` by name: its flag, its environment variable, its key in a file, its help (CONTRACT §2). schema.ts says what each may be. */

export interface Setting {
  /** What stands after the flag in the help; none for a switch. */
  readonly argument?: string;
  readonly help: string;
  /** As one would write it; none where there is no default. */
  readonly fallback?: string;
  /** Belongs to one node or to the founding: `kvorum dev` sets these itself, and hands on all the others. */
  readonly own?: true;
}

const address = "<host:port>";
const interval = "<duration>";

export const settings = {
  name: { argument: "<name>", help: "the member's name, unique in the cluster", own: true },
  data: { argument: "<dir>", help: "the data folder; made when missing", own: true },
  http: { argument: address, help: "where HTTP is served", fallback: "127.0.0.1:7400", own: true },
  listen: { argument: address, help: "where peers and clients are served", fallback: "127.0.0.1:7401", own: true },
  seeds: {
    argument: "<host:port,…>",
    help: "peer addresses to join through; without any a new folder founds a cluster",
    own: true,
  },
  zone: { argument: "<zone>", help: "replicas are spread over zones", fallback: "default", own: true },
  partitions: {
    argument: "<count>",
    help: "at founding only: partitions of the ring, a power of two (default 256)",
    own: true,
  },
  replicas: { argument: "<count>", help: "at founding only: replicas of each key, N (default 3)", own: true },
  advertise: { argument: address, help: "where peers reach this node, when it is not --listen", own: true },
  "http-advertise": {
    argument: address,
    help: "where HTTP clients reach this node, when it is not --http",
    own: true,
  },
  engine: { argument: "<engine>", help: "what the data folder is made for: log or lmdb", fallback: "log" },
  "gossip-interval": { argument: interval, help: "time between gossip rounds", fallback: "1s" },
  "anti-entropy-interval": {
    argument: interval,
    help: "time between exchanges of hash trees with the other owners",
    fallback: "1m",
  },
  "handoff-interval": {
    argument: interval,
    help: "time between tries to hand hints over",
    fallback: "10s",
  },
  "hint-ttl": {
    argument: interval,
    help: "when a hint stops waiting for its target and goes to any current owner",
    fallback: "3h",
  },
  "reap-interval": { argument: interval, help: "time between looks for tombstones that can go", fallback: "10s" },
  "message-life": {
    argument: interval,
    help: "how long a message that was given up may still arrive: reaping waits for it; the same on all members",
    fallback: "20s",
  },
  "request-timeout": { argument: interval, help: "how long a request may take unless it says so", fallback: "5s" },
  "value-bytes-max": { argument: "<bytes>", help: "the largest value that is taken", fallback: "1048576" },
  "siblings-max": {
    argument: "<count>",
    help: "past this many siblings a put without a context is refused",
    fallback: "256",
  },
  "no-hints": { help: "no fallbacks and no hinted handoff: every quorum is strict" },
  "no-read-repair": { help: "no repair of replicas that a read finds behind" },
  "no-anti-entropy": { help: "no exchange of hash trees but on demand" },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof settings;
export const settingNames = Object.keys(settings) as readonly SettingName[];

export function settingOf(name: SettingName): Setting {
  return settings[name];
}

/** The variable that sets it: `gossip-interval` is `KVORUM_GOSSIP_INTERVAL`. */
export function environmentName(setting: string): string {
  return `KVORUM_${setting.toUpperCase().replaceAll("-", "_")}`;
}

/** What is written in place: a table that shows where each value came from needs it in this form. */
export interface RawSetting {
  readonly value: unknown;
  /** `--http`, `KVORUM_HTTP`, `http in kvorum.toml`, `default`. */
  readonly origin: string;
}
