/** What tests of the typed client share. */
import { onTestFinished } from "vitest";
import { openFake, type FakeKvorum } from "@kvorum/client/testing";

export { rejection } from "../rejection.js";

/** A Kvorum in memory, for one test. */
export async function fake(): Promise<FakeKvorum> {
  const kv = await openFake();
  onTestFinished(() => kv.close());
  return kv;
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
