/**
 * Nodes on machines of their own, as far as the network goes: each in a network namespace, all on one bridge, which can be cut silently between
 * any two of them, in one direction or both. A cut gives the sender a wrong hardware address for the other: its frames go out and reach
 * nobody, as with a dead switch, and neither side is told (TRAPS 34: what the sender could see would be no partition).
 */
import { spawnSync } from "node:child_process";

const PREFIX_BITS = 24;
/** Of nobody. */
const NOWHERE = "02:00:00:00:00:fe";
const DEVICE = "eth0";

export interface Host {
  readonly name: string;
  readonly address: string;
  /** To be put before a command that shall run there. */
  readonly enter: readonly string[];
}

interface Machine extends Host {
  readonly namespace: string;
  readonly mac: string;
}

export type Direction = "one-way" | "both";

export class Net {
  readonly hosts: readonly Host[];
  readonly #machines = new Map<string, Machine>();
  readonly #id: string;

  /** A network with one machine for each name, and this process on it too. */
  constructor(names: readonly string[]) {
    demandTools();
    // Of this process and this moment: several tests may have networks at once.
    this.#id = `kv${(process.pid % 46_656).toString(36)}${Math.floor(Math.random() * 1_296).toString(36)}`;
    const subnet = `10.${100 + Math.floor(Math.random() * 100)}.${Math.floor(Math.random() * 250)}`;
    const switchNamespace = `${this.#id}-sw`;
    try {
      ip("netns", "add", switchNamespace);
      ip("-n", switchNamespace, "link", "add", "br0", "type", "bridge");
      ip("-n", switchNamespace, "link", "set", "br0", "up");
      this.#plug(switchNamespace, "h", undefined, `${subnet}.254`);
      names.forEach((name, i) => {
        const namespace = `${this.#id}-${i}`;
        const address = `${subnet}.${i + 1}`;
        const mac = `02:00:00:00:00:${(i + 1).toString(16).padStart(2, "0")}`;
        ip("netns", "add", namespace);
        this.#plug(switchNamespace, String(i), { namespace, mac }, address);
        const enter = ["nsenter", `--net=/run/netns/${namespace}`, "--"];
        this.#machines.set(name, { name, address, enter, namespace, mac });
      });
    } catch (error) {
      this.destroy();
      throw error;
    }
    this.hosts = [...this.#machines.values()];
  }

  /** From now on nothing that `from` send reaches `to`; nor the other way round, unless it is one way only. */
  cut(from: readonly string[], to: readonly string[], direction: Direction): void {
    for (const a of from) {
      for (const b of to) {
        this.#neighbour(a, b, NOWHERE);
        if (direction === "both") this.#neighbour(b, a, NOWHERE);
      }
    }
  }

  heal(): void {
    for (const a of this.#machines.keys())
      for (const [b, { mac }] of this.#machines) if (a !== b) this.#neighbour(a, b, mac);
  }

  destroy(): void {
    for (const { namespace } of this.#machines.values()) ip("netns", "del", namespace);
    spawnSync("ip", ["netns", "del", `${this.#id}-sw`]);
    spawnSync("ip", ["link", "del", `${this.#id}h`]);
  }

  #plug(
    switchNamespace: string,
    port: string,
    machine: { readonly namespace: string; readonly mac: string } | undefined,
    address: string,
  ): void {
    const [near, far] = [`${this.#id}${port}`, `${this.#id}${port}p`];
    ip("link", "add", near, "type", "veth", "peer", "name", far);
    ip("link", "set", far, "netns", switchNamespace);
    ip("-n", switchNamespace, "link", "set", far, "master", "br0", "up");
    if (machine === undefined) {
      ip("addr", "add", `${address}/${PREFIX_BITS}`, "dev", near);
      ip("link", "set", near, "up");
      return;
    }
    const inside = ["-n", machine.namespace];
    ip("link", "set", near, "netns", machine.namespace);
    ip(...inside, "link", "set", near, "name", DEVICE, "address", machine.mac);
    ip(...inside, "addr", "add", `${address}/${PREFIX_BITS}`, "dev", DEVICE);
    ip(...inside, "link", "set", DEVICE, "up");
    ip(...inside, "link", "set", "lo", "up");
  }

  #neighbour(at: string, other: string, mac: string): void {
    const { namespace } = this.#machine(at);
    const { address } = this.#machine(other);
    ip("-n", namespace, "neigh", "replace", address, "lladdr", mac, "nud", "permanent", "dev", DEVICE);
  }

  #machine(name: string): Machine {
    const machine = this.#machines.get(name);
    if (machine === undefined) throw new Error(`no machine ${name}`);
    return machine;
  }
}

function ip(...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync("ip", args, { encoding: "utf8" });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr.trim()}`);
}

function demandTools(): void {
  for (const tool of ["ip", "nsenter"]) {
    if (spawnSync(tool, ["-V"]).error === undefined) continue;
    throw new Error(`${tool} is needed and missing: apt-get install iproute2 util-linux (.ci/run does)`);
  }
  if (process.getuid?.() !== 0) throw new Error("network namespaces are made by root only: run this test as root");
}
