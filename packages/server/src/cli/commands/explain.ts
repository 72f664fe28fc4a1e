/** `explain`: what each replica of a key holds, who disagrees, and what repair would do about it (CONTRACT §2). */
import type { Explanation, ReplicaView } from "@kvorum/core";
import type { Command } from "commander";
import { addClientCommand, type Cli, type ClientOptions } from "../cli.js";
import { columns, formatTime, plural, printable } from "../output.js";

export function addExplainCommand(program: Command, cli: Cli): void {
  addClientCommand(program, "explain", "what each replica holds of a key, who disagrees, and what repair would do")
    .argument("<bucket>")
    .argument("<key>")
    .action((bucket: string, key: string, options: ClientOptions) =>
      cli.client(options, async (api) => {
        const explanation = await api.explain(bucket, key);
        if (options.json === true) return await cli.printJson(explanation);
        const { partition, coordinator, preferenceList } = explanation;
        const list = preferenceList.map(printable).join(" ");
        await cli.print(
          `partition ${partition}, preference list ${list}, coordinator ${printable(coordinator)}\n\n` +
            columns(cli.colours, ["node", "role", "status", "reply", "digest", "versions"], rowsOf(explanation)) +
            `\n${findings(explanation).map(printable).join("\n")}\n`,
        );
      }),
    );
}

function rowsOf({ replicas }: Explanation): string[][] {
  return replicas.map((replica) => [
    printable(replica.node),
    replica.role,
    replica.status,
    replica.reply,
    replica.digest ?? "-",
    replica.siblings.map(versionOf).join(", ") || "-",
  ]);
}

function versionOf({ dot, timestamp, deleted }: ReplicaView["siblings"][number]): string {
  return `${printable(dot)} ${deleted ? "deleted" : "written"} ${formatTime(timestamp)}`;
}

/** Sentences, the verdict first. What a replica does not hold it may have replaced already: only a merge of the states can tell. */
export function findings({ replicas, agree }: Explanation): readonly string[] {
  const answered = replicas.filter(({ reply }) => reply === "ok" || reply === "not-found");
  const silent = replicas.filter(({ reply }) => reply === "timeout" || reply === "error").map(silence);
  if (answered.length === 0) return ["No replica answered: nothing is known of this key.", ...silent];
  if (agree && answered.every(({ reply }) => reply === "not-found")) {
    return ["Every replica that answered holds nothing of this key.", ...silent];
  }
  if (agree) return [`${plural(answered.length, "replica")} answered, and all agree: nothing to repair.`, ...silent];
  const holders = new Map<string, string[]>();
  for (const { node, siblings } of answered) {
    for (const { dot } of siblings) holders.set(dot, [...(holders.get(dot) ?? []), node]);
  }
  const differences = answered.flatMap((replica) => difference(replica, holders));
  return [
    "The replicas disagree. Repair merges their states, and gives the result to each that differs from it:",
    ...(differences.length > 0 ? differences : ["they hold the same versions with different histories."]),
    ...silent,
  ];
}

function difference({ node, reply, siblings }: ReplicaView, holders: ReadonlyMap<string, readonly string[]>): string[] {
  const held = new Set(siblings.map(({ dot }) => dot));
  const missing = [...holders].filter(([dot]) => !held.has(dot));
  if (missing.length === 0) return [];
  const named = missing.map(([dot, nodes]) => `${dot} (held by ${nodes.join(", ")})`).join(", ");
  if (reply === "not-found") return [`- ${node} holds nothing; it would get ${named}.`];
  const those = missing.length === 1 ? "it" : "each of them";
  return [`- ${node} does not hold ${named}; the merge keeps ${those}, unless ${node} has replaced it already.`];
}

function silence({ node, reply, status }: ReplicaView): string {
  const why = reply === "timeout" ? "did not answer in time" : "answered with an error";
  return `- ${node} (${status}) ${why}: what it holds is not known, and is repaired when it answers again.`;
}
