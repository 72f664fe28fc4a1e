/** What the owners of keys hold, each asked by itself, and what is still kept for them by others (CHECKERS.md: replicas read one by one). */
import { kv } from "./http.js";
import { inTurns } from "./in-turns.js";
import type { KvorumNode } from "./node.js";
import type { History } from "./operations.js";
import { read } from "./traffic.js";
import { until } from "./until.js";

const AT_ONCE = 16;

export async function ownersOf(nodes: readonly KvorumNode[], bucket: string, key: string): Promise<KvorumNode[]> {
  const [first] = nodes as [KvorumNode];
  const query = `bucket=${encodeURIComponent(bucket)}&key=${encodeURIComponent(key)}`;
  const { preferenceList } = await first.http.json<{ readonly preferenceList: string[] }>(`/v1/ring?${query}`);
  return preferenceList.map((name) => {
    const node = nodes.find((each) => each.name === name);
    if (node === undefined) throw new Error(`${name} owns ${key} and is no node`);
    return node;
  });
}

/** How many hints a node keeps, by its own word. */
export async function hintsAt(node: KvorumNode): Promise<number> {
  const { body } = await node.http.get("/metrics");
  return Number(/^kvorum_hints_pending (\d+)$/m.exec(body.toString())?.[1]);
}

export async function hintsDrained(nodes: readonly KvorumNode[]): Promise<void> {
  await until("no hints are left", async () => {
    const hints = await Promise.all(nodes.map(hintsAt));
    if (hints.every((each) => each === 0)) return true;
    throw new Error(`hints: ${hints.join(", ")}`);
  });
}

/** C1 to C5 of every key of the history, on each owner by itself; what is wrong, in words. */
export async function judgeOwners(nodes: readonly KvorumNode[], bucket: string, history: History): Promise<string[]> {
  const wrong: string[] = [];
  await inTurns(history.keys, AT_ONCE, async (key) => {
    for (const owner of await ownersOf(nodes, bucket, key)) {
      const found = await read(owner, key, "?local=true");
      const said = [...history.lost(key, found), ...history.phantoms(key, found), ...history.returned(key, found)];
      wrong.push(...said.map((what) => `${owner.name}: ${what}`));
    }
  });
  return wrong;
}

export function keyUrl(bucket: string, key: string, query = ""): string {
  return kv(bucket, key) + query;
}
