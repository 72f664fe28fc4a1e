/** The client's promise: concurrent updates of one key, by several processes, while nodes are killed: nothing lost, nothing doubled (issue 7). */
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { connect, json, resolvers } from "@kvorum/client";
import { startCluster } from "kvorum/testing";
import { expect, it, onTestFinished } from "vitest";
import { count } from "../../packages/core/test/counts.js";
import { until } from "../support/until.js";

const PROCESSES = 5;
const UPDATES_EACH = 10;
/** A run in which fewer updates were under way when the last node was killed proves nothing. The clients hold so many back until then. */
const UNDER_WAY_MIN = 15;
const updater = fileURLToPath(new URL("updater.mjs", import.meta.url));

interface Marked {
  readonly element: string;
  readonly mark: string;
}

class Updater {
  readonly done: string[] = [];
  readonly failed: string[] = [];
  isReady = false;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly ended: Promise<unknown>;

  constructor(
    readonly name: string,
    seeds: readonly string[],
  ) {
    const args = [updater, name, String(UPDATES_EACH), ...seeds];
    this.#child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.ended = once(this.#child, "close");
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      const [word = "", ...rest] = line.split(" ");
      if (word === "ready") this.isReady = true;
      else (word === "done" ? this.done : this.failed).push(rest.join(" "));
    });
  }

  go(): void {
    this.#child.stdin.write("go\n");
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}

it.each(Array.from({ length: count(1, 5) }, (_, round) => round + 1))(
  `50 updates of one key from ${PROCESSES} processes, nodes killed meanwhile: each element once (round %i)`,
  async () => {
    const cluster = await startCluster(3);
    onTestFinished(() => cluster.close());
    const names = Array.from({ length: PROCESSES }, (_, place) => `p${place}`);
    const updaters = names.map((name) => new Updater(name, cluster.seeds));
    onTestFinished(() => updaters.forEach((each) => each.kill()));
    const acknowledged = (): number => updaters.flatMap(({ done }) => done).length;
    await until("every client is connected", () => updaters.every(({ isReady }) => isReady));

    for (const each of updaters) each.go();
    const total = PROCESSES * UPDATES_EACH;
    let underWay = total;
    for (const [place, after] of [
      [0, 5],
      [1, 15],
    ] as const) {
      await until(`${after} updates are done`, () => acknowledged() >= after);
      const node = cluster.nodes[place];
      underWay = total - acknowledged();
      await node?.kill();
      if (place === 1) for (const each of updaters) each.go();
      const before = acknowledged();
      await until("updates go on without it", () => acknowledged() >= before + 3);
      await node?.start();
    }
    await Promise.all(updaters.map(({ ended }) => ended));
    expect(underWay, "updates under way at the last kill").toBeGreaterThanOrEqual(UNDER_WAY_MIN);
    expect(updaters.flatMap(({ failed }) => failed)).toEqual([]);

    await cluster.settled();
    const expected = names.flatMap((name) => Array.from({ length: UPDATES_EACH }, (_, i) => `${name}-${i}`)).toSorted();
    for (const seed of cluster.seeds) {
      const kv = await connect([seed]);
      onTestFinished(() => kv.close());
      const lists = kv.bucket("lists", { codec: json<Marked[]>(), resolve: resolvers.union<Marked>() });
      for (let i = 0; i < 6; i++) {
        const found = await lists.get("list");
        expect(found?.value.map(({ element }) => element).toSorted()).toEqual(expected);
      }
    }
    const kv = await cluster.connect();
    onTestFinished(() => kv.close());
    const lists = kv.bucket("lists", { codec: json<Marked[]>(), resolve: resolvers.union<Marked>() });
    const before = (await lists.getSiblings("list"))?.siblings.length;
    await lists.update("list", (list) => [...(list ?? []), { element: "last", mark: "" }]);
    expect((await lists.getSiblings("list"))?.siblings).toHaveLength(1);
    expect((await lists.get("list"))?.value).toHaveLength(total + 1);
    console.log(
      `${total} updates, ${underWay} of them under way at the last kill; ${before} siblings at the end, then 1`,
    );
  },
);
