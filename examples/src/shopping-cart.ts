/**
 * The shopping cart whose items are merged (Dynamo §4.4): an item put into the cart is never lost, whichever copy of the cart it was put into.
 * The known price: an item that one side took out and the other kept comes back.
 */
import { json, resolvers, union } from "@kvorum/client";
import { freshKey, twoShops } from "./two-shops.js";

interface Cart {
  readonly items: readonly string[];
}

const options = {
  codec: json<Cart>(),
  resolve: resolvers.merge<Cart>((a, b) => ({ items: union(a.items, b.items) })),
};

await twoShops(async (here, there) => {
  const key = freshKey("alice");
  const [phone, laptop] = [here.bucket("carts", options), there.bucket("carts", options)];
  await phone.put(key, { items: ["book"] });

  // Both read the same cart, and each adds something: neither knows of the other.
  const [onPhone, onLaptop] = [await phone.get(key), await laptop.get(key)];
  await phone.put(key, { items: [...(onPhone?.value.items ?? []), "pen"] }, { context: onPhone?.context });
  await laptop.put(key, { items: [...(onLaptop?.value.items ?? []), "lamp"] }, { context: onLaptop?.context });

  const merged = await phone.get(key);
  console.log(`${merged?.siblings} versions, merged: ${merged?.value.items.join(", ")}`);

  // An update writes the merged cart back: one version stands.
  await laptop.update(key, (cart) => ({ items: [...(cart?.items ?? []), "ink"] }));
  const healed = await phone.get(key);
  console.log(`${healed?.siblings} version: ${healed?.value.items.join(", ")}`);
});
