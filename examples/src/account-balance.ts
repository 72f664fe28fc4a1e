/**
 * The account where the latest balance wins: last write wins, by the time of the write. The other write, though it was acknowledged, is lost;
 * here that is meant, since each balance is the bank's whole word and a newer one says all that an older one did.
 */
import { setTimeout as pause } from "node:timers/promises";
import { json, resolvers } from "@kvorum/client";
import { freshKey, twoShops } from "./two-shops.js";

interface Balance {
  readonly cents: number;
}

const options = { codec: json<Balance>(), resolve: resolvers.lww() };

await twoShops(async (here, there) => {
  const key = freshKey("account");
  const [east, west] = [here.bucket("balances", options), there.bucket("balances", options)];
  await east.put(key, { cents: 10_000 });
  // Clocks of two machines are a little apart: this much later is later on any of them.
  await pause(50);
  await west.put(key, { cents: 7_500 });

  const balance = await east.get(key);
  console.log(`${balance?.siblings} balances, the latest: ${balance?.value.cents} cents`);
  const { siblings = [] } = (await east.getSiblings(key)) ?? {};
  console.log(
    `until somebody writes, the cluster keeps both: ${siblings
      .map(({ value }) => value.cents)
      .toSorted((a, b) => a - b)
      .join(", ")}`,
  );
});
