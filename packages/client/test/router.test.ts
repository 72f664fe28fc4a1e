/** Which of a key's owners is asked: the one with the least under way, unless it has just refused. */
import { afterEach, expect, test } from "vitest";
import { RawClient } from "@kvorum/client/internal";
import { FakeClock } from "./fake-clock.js";
import { got, startNodes, type FakeNode } from "./fake-node.js";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const nothing = new Uint8Array();

async function connectedToThree(): Promise<{
  client: RawClient;
  nodes: FakeNode[];
  asked: [number, number, number];
  clock: FakeClock;
}> {
  const nodes = await startNodes(3);
  for (const node of nodes) cleanups.push(() => node.kill());
  const clock = new FakeClock();
  const client = await RawClient.connect(
    nodes.map(({ address }) => address),
    { clock },
  );
  cleanups.push(() => client.close());
  const asked: [number, number, number] = [0, 0, 0];
  nodes.forEach((node, place) => {
    node.behaviour = ({ reply }) => {
      asked[place] = (asked[place] as number) + 1;
      reply(got(nothing));
    };
  });
  return { client, nodes, asked, clock };
}

test("a member that is slow gets no more than it answers: the others take what comes", async () => {
  const { client, nodes, asked } = await connectedToThree();
  let slow = 0;
  (nodes[1] as FakeNode).behaviour = () => void slow++;
  const reads = Array.from({ length: 30 }, () => client.get("b", "k"));
  for (const read of reads) void read.catch(() => {});
  await expect.poll(() => asked[0] + asked[2] + slow).toBe(30);
  // Of the first thirty each had a third; from now on whoever answers is asked.
  expect(slow).toBe(10);
  for (let i = 0; i < 30; i++) await client.get("b", "k");
  expect(slow).toBe(10);
  expect(asked).toEqual([25, 0, 25]);
});

test("a member that refuses at once, and so has nothing under way, does not draw the requests of all", async () => {
  const { client, nodes, asked, clock } = await connectedToThree();
  let refused = 0;
  (nodes[1] as FakeNode).behaviour = ({ fail }) => {
    refused++;
    fail({ code: "overloaded" });
  };
  for (let i = 0; i < 30; i++) await client.get("b", "k").catch(() => {});
  expect(refused).toBe(1);
  clock.advance(100);
  for (let i = 0; i < 30; i++) await client.get("b", "k").catch(() => {});
  expect(refused).toBe(2);
  expect(asked[0] + asked[2]).toBe(58);
});
