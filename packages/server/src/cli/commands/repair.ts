/** `repair [--wait]`: lets all members compare their replicas now, and watches them until they are done (CONTRACT §2). */
import { setTimeout as sleep } from "node:timers/promises";
import type { RepairView } from "@kvorum/core";
import type { Command } from "commander";
import type { KvorumApi } from "../api.js";
import { progressBar } from "../bulk/progress.js";
import { addClientCommand, type Cli, type ClientOptions } from "../cli.js";
import { columns, formatBytes, plural, printable } from "../output.js";

interface RepairOptions extends ClientOptions {
  readonly wait?: boolean;
}

const LOOK_MS = 200;

export function addRepairCommand(program: Command, cli: Cli): void {
  addClientCommand(program, "repair", "let all members compare their replicas now, and mend what differs")
    .option("--wait", "until they are done, with a progress bar")
    .action((options: RepairOptions) =>
      cli.client(options, async (api) => {
        const begun = await api.repair();
        const view = options.wait === true ? await watch(cli, api, begun, options.json !== true) : begun;
        if (options.json === true) await cli.printJson(view);
        else await cli.print(options.wait === true ? outcome(cli, begun, view) : beginning(view));
      }),
    );
}

/** Counts are since each member's start, so this run is told by what was added to them. */
async function watch(cli: Cli, api: KvorumApi, begun: RepairView, withBar: boolean): Promise<RepairView> {
  const bar = progressBar(cli.io.stderr, begun.total, withBar);
  let view = begun;
  let shown = 0;
  while (view.running) {
    await sleep(LOOK_MS);
    view = await api.repairStatus();
    const done = view.running ? view.done : begun.total;
    bar.advance(done - shown, added(begun, view));
    shown = done;
  }
  bar.clear();
  return view;
}

function added(begun: RepairView, now: RepairView): string {
  const keys = plural(Math.max(0, now.keysRepaired - begun.keysRepaired), "key");
  return `${keys} repaired, ${formatBytes(Math.max(0, now.bytesSent - begun.bytesSent))} sent`;
}

function beginning({ members }: RepairView): string {
  const reached = members.filter((member) => member.reached).length;
  return `begun on ${plural(reached, "member")}${unreached(members)}; see how far with --wait, or GET /v1/repair\n`;
}

function outcome(cli: Cli, begun: RepairView, view: RepairView): string {
  const before = new Map(begun.members.map((member) => [member.node, member]));
  const rows = view.members.map((member) => {
    const { node, reached, keysRepaired, bytesSent } = member;
    const earlier = before.get(node);
    if (!reached) return [printable(node), "not reached", "-", "-"];
    return [
      printable(node),
      "done",
      keysRepaired - (earlier?.keysRepaired ?? 0),
      formatBytes(Math.max(0, bytesSent - (earlier?.bytesSent ?? 0))),
    ];
  });
  const table = columns(cli.colours, ["node", "state", "keys repaired", "sent"], rows);
  return `${table}${added(begun, view)}${unreached(view.members)}\n`;
}

function unreached(members: RepairView["members"]): string {
  const names = members.filter(({ reached }) => !reached).map(({ node }) => printable(node));
  return names.length === 0 ? "" : `; not reached: ${names.join(" ")}`;
}
