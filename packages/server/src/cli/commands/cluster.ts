/** `status`, `members`, `ring`: the cluster at a glance (CONTRACT §2). */
import type { ClusterView, MemberStatus } from "@kvorum/core";
import type { Command } from "commander";
import { addClientCommand, type Cli, type ClientOptions } from "../cli.js";
import { usageError } from "../exit.js";
import { columns, plural, printable, type Colours, formatBytes, formatTime } from "../output.js";

export function addClusterCommands(program: Command, cli: Cli): void {
  addClientCommand(program, "status", "the cluster at a glance").action((options: ClientOptions) =>
    cli.client(options, async (api) => {
      const cluster = await api.cluster();
      if (options.json === true) return await cli.printJson(cluster);
      await cli.print(
        `${summary(cluster)}\n\n${memberTable(cluster, cli.colours)}${transferTable(cluster, cli.colours)}`,
      );
    }),
  );

  addClientCommand(program, "members", "the members, where they are and how they are").action(
    (options: ClientOptions) =>
      cli.client(options, async (api) => {
        const cluster = await api.cluster();
        if (options.json === true) await cli.printJson(cluster);
        else await cli.print(`${memberTable(cluster, cli.colours)}\n${healthTable(cluster, cli.colours)}`);
      }),
  );

  addClientCommand(program, "ring", "who owns each partition, or where one key lives")
    .argument("[bucket]")
    .argument("[key]")
    .action((bucket: string | undefined, key: string | undefined, options: ClientOptions) => {
      if (bucket !== undefined && key === undefined) throw usageError("ring takes a bucket and a key, or neither");
      return bucket === undefined || key === undefined ? showRing(cli, options) : showPlace(cli, bucket, key, options);
    });
}

async function showRing(cli: Cli, options: ClientOptions): Promise<void> {
  await cli.client(options, async (api) => {
    const ring = await api.ring();
    if (options.json === true) return await cli.printJson(ring);
    const rows = ring.partitions.map(({ partition, owners }) => [partition, owners.map(printable).join(" ")] as const);
    await cli.print(columns(cli.colours, ["partition", "owners"], rows));
    cli.say(`${plural(rows.length, "partition")}, ring ${printable(ring.version)}`);
  });
}

async function showPlace(cli: Cli, bucket: string, key: string, options: ClientOptions): Promise<void> {
  await cli.client(options, async (api) => {
    const place = await api.place(bucket, key);
    if (options.json === true) return await cli.printJson(place);
    const row = [
      place.partition,
      place.preferenceList.map(printable).join(" "),
      place.fallbacks.map(printable).join(" "),
    ];
    await cli.print(columns(cli.colours, ["partition", "preference list", "fallbacks"], [row]));
  });
}

/** `settled` in words, and what keeps the cluster from its promises. */
function summary(cluster: ClusterView): string {
  const { members, partitions, replicas, settled, underReplicated, tombstones } = cluster;
  const up = members.filter(({ status }) => status === "up").length;
  const lines = [
    `cluster ${printable(cluster.cluster)}, seen by ${printable(cluster.node)}`,
    `${plural(members.length, "member")}, ${up} up; ${plural(partitions, "partition")}${replicas === undefined ? "" : `, ${replicas} replicas`}`,
    settled ? "settled" : "not settled: members do not agree on the ring yet, or data moves",
  ];
  if (underReplicated === true) lines.push("under-replicated: fewer members than replicas; add members");
  if (cluster.hints !== undefined && cluster.hints.count > 0) lines.push(hintLine(cluster.hints));
  if (tombstones !== undefined && tombstones.count > 0) lines.push(tombstoneLine(tombstones));
  return lines.join("\n");
}

function tombstoneLine({ count, oldest }: ClusterView["tombstones"]): string {
  const line = `${plural(count, "tombstone")} here ${count === 1 ? "waits" : "wait"} to be reaped`;
  if (oldest === null) return line;
  const { bucket, key, since, why } = oldest;
  return `${line}; the oldest (${printable(bucket)}/${printable(key)}, ${formatTime(since)}): ${printable(why)}`;
}

function memberTable({ members }: ClusterView, colours: Colours): string {
  const rows = members.map((member) => [
    printable(member.name),
    statusCell(member.status, colours),
    `${(member.ownership * 100).toFixed(1)}%`,
    printable(member.zone) || "-",
    printable(member.http),
    printable(member.address),
    member.hints,
  ]);
  return columns(colours, ["name", "status", "owns", "zone", "http", "peer", "hints"], rows);
}

/** How this node comes to take each for what it takes it. */
function healthTable({ members, node }: ClusterView, colours: Colours): string {
  const rows = members.map(({ name, status, heardMsAgo, phi, why }) => [
    printable(name),
    statusCell(status, colours),
    typeof heardMsAgo === "number" ? `${(heardMsAgo / 1_000).toFixed(1)} s ago` : "-",
    typeof phi === "number" ? phi.toFixed(1) : "-",
    printable(why ?? ""),
  ]);
  return columns(colours, ["name", "status", "last heard", "phi", `why, for ${printable(node)}`], rows);
}

function hintLine({ count, bytes, oldest }: ClusterView["hints"]): string {
  const since = oldest === null ? "" : `, the oldest since ${formatTime(oldest)}`;
  return `${plural(count, "hint")} kept here for others (${formatBytes(bytes)}${since})`;
}

function statusCell(status: MemberStatus, colours: Colours): string {
  if (status === "up") return colours.green(status);
  return status === "down" ? colours.red(status) : colours.yellow(printable(status));
}

function transferTable({ transfers }: ClusterView, colours: Colours): string {
  if (transfers.length === 0) return "";
  const rows = transfers.map(({ partition, from, to, done, total }) => [
    partition,
    printable(from),
    printable(to),
    `${done} of ${total}`,
  ]);
  return `\n${columns(colours, ["partition", "from", "to", "done"], rows)}`;
}
