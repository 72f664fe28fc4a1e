/** `risk`: what could be lost right now, a line for each thing that is not as it should be, or the one line that says that all is well. */
import type { Command } from "commander";
import { addClientCommand, type Cli, type ClientOptions } from "../cli.js";
import { printable } from "../output.js";

export function addRiskCommand(program: Command, cli: Cli): void {
  addClientCommand(program, "risk", "what could be lost right now: one line when that is nothing").action(
    (options: ClientOptions) =>
      cli.client(options, async (api) => {
        const risk = await api.risk();
        if (options.json === true) return await cli.printJson(risk);
        const colour = risk.ok ? cli.colours.green : cli.colours.yellow;
        await cli.print(risk.lines.map((line) => `${colour(printable(line))}\n`).join(""));
      }),
  );
}
