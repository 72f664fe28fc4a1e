/** The case that a person decides: a read rejects with the versions in hand, the key waits in the conflict inbox, and the choice replaces them all. */
import { setTimeout as pause } from "node:timers/promises";
import { ConflictError, resolvers, text, type Bucket, type Kvorum } from "@kvorum/client";
import { freshKey, twoShops } from "./two-shops.js";

const options = { codec: text(), resolve: resolvers.manual() };

await twoShops(async (here, there) => {
  const key = freshKey("contract");
  const [ours, theirs] = [here.bucket("contracts", options), there.bucket("contracts", options)];
  await ours.put(key, "delivery in May");
  await theirs.put(key, "delivery in June");

  try {
    await ours.get(key);
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    console.log(`${error.code}: ${error.siblings.length} versions`);
  }
  console.log(`waiting in the inbox: ${await isWaiting(here, key)}`);
  await decide(ours, key);
  console.log(`decided: ${(await theirs.get(key))?.value}`);
});

/** What a page for a person would show, with who wrote each version where and when; the person takes the first by the alphabet. */
async function decide(contracts: Bucket<string>, key: string): Promise<void> {
  const found = await contracts.getSiblings(key);
  if (found === undefined) return;
  const choices = found.siblings.map(({ value }) => value).toSorted();
  await contracts.put(key, choices[0] as string, { context: found.context });
}

/** The inbox is what owners tell each other of: a moment after the write it is there. */
async function isWaiting(kv: Kvorum, key: string): Promise<boolean> {
  for (let tries = 0; tries < 100; tries++) {
    for await (const conflict of kv.conflicts()) if (conflict.key === key) return true;
    await pause(50);
  }
  return false;
}
