/** The counter that loses no step: many count the same thing at the same time, and all of them count. */
import { counter, json, resolvers, type Counter } from "@kvorum/client";
import { freshKey, twoShops } from "./two-shops.js";

const options = { codec: json<Counter>(), resolve: resolvers.counter() };

await twoShops(async (here, there) => {
  const key = freshKey("likes");
  const counters = [here.bucket("likes", options), there.bucket("likes", options)];
  // Each place counts under a name of its own; by default that is the process.
  await Promise.all(
    counters.flatMap((likes, place) =>
      Array.from({ length: 10 }, () => likes.update(key, (seen) => counter.add(seen, 1, `place-${place}`))),
    ),
  );
  await counters[0]?.update(key, (seen) => counter.add(seen, -3, "place-0"));
  console.log(`${counter.value((await counters[1]?.get(key))?.value)} likes`);
});
