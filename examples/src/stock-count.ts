/**
 * The stock count where the higher value wins: of two counts made at the same time the higher one stands. (For a number that many count up and
 * down, see likes.ts: there nobody's step may be lost.)
 */
import { json, resolvers } from "@kvorum/client";
import { freshKey, twoShops } from "./two-shops.js";

interface Stock {
  readonly count: number;
  readonly countedBy: string;
}

const options = { codec: json<Stock>(), resolve: resolvers.max<Stock>(({ count }) => count) };

await twoShops(async (here, there) => {
  const key = freshKey("pens");
  const [front, back] = [here.bucket("stock", options), there.bucket("stock", options)];

  // Blind writes: each says what it counted, and replaces nothing that it has not seen.
  await front.put(key, { count: 11, countedBy: "front" });
  await back.put(key, { count: 12, countedBy: "back" });

  const stock = await front.get(key, { writeBack: true });
  console.log(`${stock?.siblings} counts, the higher stands: ${stock?.value.count}, by the ${stock?.value.countedBy}`);
  console.log(`${(await back.get(key))?.siblings} version after the write-back`);
});
