/** What tests of the typed client share. */
import { onTestFinished } from "vitest";
import { openFake, type FakeKvorum } from "@kvorum/client/testing";

/** A Kvorum in memory, for one test. */
export async function fake(): Promise<FakeKvorum> {
  const kv = await openFake();
  onTestFinished(() => kv.close());
  return kv;
}

/** What the promise rejects with; undefined when it does not. */
export function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
