/** Members that do as they are told, and raw clients of them, both gone after the test that made them. */
import { onTestFinished } from "vitest";
import { RawClient, type ClientOptions } from "@kvorum/client/internal";
import { got, type FakeNode, type Inbox, putDone, startNodes } from "./fake-node.js";

export async function cluster(count: number): Promise<FakeNode[]> {
  const nodes = await startNodes(count);
  for (const node of nodes) onTestFinished(() => node.kill());
  return nodes;
}

export async function connected(nodes: readonly FakeNode[], options: ClientOptions = {}): Promise<RawClient> {
  const client = await RawClient.connect(
    nodes.map(({ address }) => address),
    options,
  );
  onTestFinished(() => client.close());
  return client;
}

/** Where what arrives at any of them is found. */
export const inboxOf = ([first]: readonly FakeNode[]): Inbox => (first as FakeNode).inbox;

export const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);

/** All nodes answer, each naming itself in the context's first byte. */
export function answerAll(nodes: readonly FakeNode[]): void {
  nodes.forEach((node, place) => {
    node.behaviour = ({ envelope, reply }) =>
      reply(envelope.message.kind === "get" ? got(bytes(), bytes(place)) : putDone(bytes(place)));
  });
}
