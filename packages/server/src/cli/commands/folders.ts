/** `check`, `backup`, `restore`: data folders, on the machine where they lie. */
import { resolve } from "node:path";
import type { CheckReport } from "@kvorum/store";
import type { Command } from "commander";
import type { BackupReport } from "../../tools/backup-folder.js";
import type { Restored } from "../../tools/restore-folder.js";
import { addCommand, type Cli } from "../cli.js";
import { exitCodes, failedError, messageOf, usageError } from "../exit.js";
import { formatBytes, plural, printable } from "../output.js";

interface BackupOptions {
  readonly data?: string;
  readonly url?: string;
  readonly to: string;
  readonly json?: boolean;
}

interface FolderOptions {
  readonly data: string;
  readonly json?: boolean;
}

const SHOWN_MAX = 20;

export function addFolderCommands(program: Command, cli: Cli): void {
  addCommand(program, "check", "what is in a data folder, and what of it is damaged; exit code 1 where anything is")
    .requiredOption("--data <dir>", "the data folder, or a backup; no node may run on it")
    .option("--json", "one JSON document on stdout")
    .action((options: FolderOptions) => check(cli, options));

  addCommand(program, "backup", "a consistent snapshot of a node's data folder, also while the node runs")
    .option("--data <dir>", "the data folder, on this machine")
    .option("--url <url>", "a running node's HTTP address: the snapshot comes over the network")
    .requiredOption(
      "--to <dir>",
      "a new folder on this machine; with --data, on the same disk, it costs hardly any space",
    )
    .option("--json", "one JSON document on stdout")
    .action((options: BackupOptions) => backup(cli, options));

  addCommand(program, "restore", "a data folder from a backup")
    .argument("<backup>")
    .requiredOption("--data <dir>", "the data folder to make")
    .option("--new-cluster <label>", "all members' backups, each restored with this label, begin a new cluster")
    .option("--json", "one JSON document on stdout")
    .addHelpText("after", restoreHelp)
    .action((from: string, options: FolderOptions & { readonly newCluster?: string }) => restore(cli, from, options));
}

const restoreHelp = `
Without --new-cluster the member comes back to the cluster that lives: as a new instance, filled by the others, with none of the backup's
data, which would bring back what was deleted since. With it every member's backup is restored, and they found a cluster of their own.`;

async function check(cli: Cli, { data, json }: FolderOptions): Promise<void> {
  const { checkFolder } = await import("../../tools/check-folder.js");
  const report = await checkFolder(data);
  const { damagedRecords, damagedFacts, problems } = report;
  if (damagedRecords.length + damagedFacts.length + problems.length > 0) cli.exit = exitCodes.failed;
  if (json === true) {
    const records = damagedRecords.map(({ partition, hash }) => ({
      partition,
      hash: hash.toString(16).padStart(16, "0"),
    }));
    return await cli.printJson({ ...report, damagedRecords: records });
  }
  await cli.print(checkText(report));
}

function checkText(report: CheckReport): string {
  const { keys, facts, segments, bytes, liveBytes, damagedRecords, damagedFacts, problems, tornBytes, deadDamage } =
    report;
  const lines = [
    `${plural(keys, "key")} and ${plural(facts, "fact")} in ${plural(segments, "segment")}: ${formatBytes(bytes)}, ${formatBytes(liveBytes)} of it live`,
  ];
  if (tornBytes > 0)
    lines.push(`${formatBytes(tornBytes)} were left unfinished at the end, as by a process that was killed`);
  if (deadDamage > 0) lines.push(`${plural(deadDamage, "damaged place")} where nothing lives any more`);
  for (const { partition, hash } of damagedRecords.slice(0, SHOWN_MAX)) {
    lines.push(`damaged record: partition ${partition}, hash ${hash.toString(16).padStart(16, "0")}`);
  }
  if (damagedRecords.length > SHOWN_MAX)
    lines.push(`… and ${damagedRecords.length - SHOWN_MAX} more (--json lists all)`);
  for (const name of damagedFacts) lines.push(`damaged fact: ${printable(name)}`);
  for (const problem of problems) lines.push(problem);
  const damage = damagedRecords.length + damagedFacts.length + problems.length;
  lines.push(
    damage === 0
      ? "no damage"
      : `${plural(damage, "damage")} found; a running node heals records from the other owners`,
  );
  return `${lines.join("\n")}\n`;
}

async function backup(cli: Cli, { data, url, to, json }: BackupOptions): Promise<void> {
  if ((data === undefined) === (url === undefined)) {
    throw usageError("backup takes --data, a folder on this machine, or --url, a running node: one of the two");
  }
  const report = data === undefined ? await downloaded(cli, url as string, to) : await copied(data, to);
  if (json === true) return await cli.printJson(report);
  const { name, cluster, files, bytes } = report;
  cli.say(`${printable(name)} of cluster ${cluster}: ${plural(files, "file")}, ${formatBytes(bytes)} in ${report.to}`);
}

async function copied(data: string, to: string): Promise<BackupReport> {
  const { backupFolder } = await import("../../tools/backup-folder.js");
  return await backupFolder(data, to);
}

async function downloaded(cli: Cli, url: string, to: string): Promise<BackupReport> {
  const { BrokenBackupError, receiveBackup } = await import("../../tools/receive-backup.js");
  const { refuseExisting } = await import("../../tools/log-folder.js");
  let report: BackupReport | undefined;
  await cli.client({ url }, async (api) => {
    // Before anything is asked of the node.
    await refuseExisting(resolve(to));
    const body = await api.backup();
    try {
      report = await receiveBackup(body, to);
    } catch (error) {
      if (!(error instanceof BrokenBackupError) && !body.errored) throw error;
      const detail = `no backup from ${url}, and nothing was kept: ${messageOf(error)}`;
      throw failedError("broken-backup", "The backup did not come whole", detail);
    }
  });
  return report as BackupReport;
}

async function restore(
  cli: Cli,
  from: string,
  { data, json, newCluster }: FolderOptions & { readonly newCluster?: string },
): Promise<void> {
  const { restoreFolder } = await import("../../tools/restore-folder.js");
  const restored = await restoreFolder({ from, data, newCluster });
  if (json === true) return await cli.printJson(restored);
  cli.say(restoredText(restored));
}

function restoredText({ name, cluster, data, mode }: Restored): string {
  if (mode === "new-cluster") {
    return `${printable(name)} of the new cluster ${cluster} is in ${data}: restore the other members with the same label, then start them all`;
  }
  return `${printable(name)} of cluster ${cluster} is in ${data}, as a new instance without data: start it with --name ${printable(name)} --data and --seeds, and the other members fill it`;
}
