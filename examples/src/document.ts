/**
 * The document whose fields are merged: what one side added stays, what both have alike stays, and a field that they have with different values
 * goes by its rule, or else to the newest. There is no common ancestor to compare with, so "different" is all that "changed" can mean.
 */
import { setTimeout as pause } from "node:timers/promises";
import { json, resolvers, union } from "@kvorum/client";
import { freshKey, twoShops } from "./two-shops.js";

interface Page {
  readonly title: string;
  readonly tags: readonly string[];
  readonly summary?: string;
  readonly image?: string;
}

const options = {
  codec: json<Page>(),
  resolve: resolvers.fields<Page>({ rules: { tags: (a, b) => union(a, b) } }),
};

await twoShops(async (here, there) => {
  const key = freshKey("page");
  const [ada, bob] = [here.bucket("pages", options), there.bucket("pages", options)];
  await ada.put(key, { title: "Draft", tags: ["new"] });

  const [adas, bobs] = [await ada.get(key), await bob.get(key)];
  if (adas === undefined || bobs === undefined) throw new Error("the page is gone");
  await ada.put(key, { ...adas.value, tags: ["new", "dynamo"], summary: "By Ada" }, adas);
  await pause(50);
  await bob.put(key, { ...bobs.value, title: "Ready", tags: ["new", "paper"], image: "ring.svg" }, bobs);

  const page = await ada.get(key);
  console.log(JSON.stringify(page?.value));
});
