/**
 * One client process of updates.test.ts: `updater.mjs NAME COUNT SEED…` connects, says `ready`, and at `go` on stdin makes COUNT updates of one
 * key at once, each adding an element of its own. The last of them wait, between reading and writing, for a second line on stdin. Prints
 * `done ELEMENT` for each that is acknowledged, `failed ELEMENT CODE EFFECT` else.
 */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { connect, json, resolvers } from "@kvorum/client";

/** Long enough for several processes to have read the same. */
const CHANGE_MS = 200;
/** Of each process these wait until they are told to go on. */
const HELD = 3;

const [name, count, ...seeds] = process.argv.slice(2);
const kv = await connect(seeds, { timeout: 60_000 });
const lists = kv.bucket("lists", { codec: json(), resolve: resolvers.union() });
console.log("ready");
const lines = createInterface({ input: process.stdin });
await once(lines, "line");
const goOn = once(lines, "line");
await Promise.all(
  Array.from({ length: Number(count) }, async (_, place) => {
    const element = `${name}-${place}`;
    try {
      await lists.update("list", async (list) => {
        await pause(CHANGE_MS * (0.5 + Math.random()));
        if (place >= Number(count) - HELD) await goOn;
        // A change that was applied twice would show: the same element with two marks.
        return [...(list ?? []), { element, mark: randomUUID() }];
      });
      console.log(`done ${element}`);
    } catch (error) {
      console.log(`failed ${element} ${error.code} ${error.effect}`);
    }
  }),
);
await kv.close();
process.stdin.destroy();
