/** When faults have stopped and everything has healed, nothing stays pending: no request, no transfer, no member that disagrees. */
import { recordsToMend } from "../heal/records.js";
import type { Bench, Checker } from "./checker.js";

export function quiet(bench: Bench): Checker {
  return {
    end: () => {
      for (const name of bench.world.standing) {
        for (const what of pendingOn(bench, name)) bench.report("nothing-stays-pending", `${name}: ${what}`);
      }
    },
  };
}

function pendingOn(bench: Bench, name: string): string[] {
  const node = bench.world.node(name);
  if (node === undefined) return ["is not up"];
  const pending: string[] = [];
  const { settled, transfers } = node.cluster();
  if (!settled) pending.push("is not settled");
  if (transfers.length > 0) pending.push(`${transfers.length} transfers are open`);
  const { requestsInFlight } = node.stats();
  if (requestsInFlight > 0) pending.push(`${requestsInFlight} requests are in flight`);
  const hurt = recordsToMend(bench, name);
  if (hurt > 0) pending.push(`${hurt} damaged records are being mended`);
  return pending;
}
