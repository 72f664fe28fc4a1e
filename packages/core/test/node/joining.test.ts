/** Asking to become a member: until somebody answers, and no answer is too late. */
import { describe, expect, it } from "vitest";
import { fail } from "../../src/base/failure.js";
import { Joining } from "../../src/node/joining.js";
import { defaultSettings } from "../../src/node/settings.js";
import type { Envelope, Welcome } from "../../src/wire/messages.js";
import { Timeline } from "./cluster.js";

const welcome: Welcome = {
  ...{ kind: "welcome", clusterId: 1n, secret: new Uint8Array(32), partitions: 64, replicas: 3 },
  gossip: new Uint8Array(),
  owners: new Uint8Array(),
};

function joining() {
  const timeline = new Timeline();
  const sent: { readonly to: string; readonly envelope: Envelope }[] = [];
  const heard: string[] = [];
  const asked = new Joining({
    clock: { monotonicMs: () => timeline.nowMs, wallMs: () => 0, after: timeline.after.bind(timeline) },
    network: { send: (to, envelope) => sent.push({ to, envelope }) > 0, close: (done) => done() },
    log: () => {},
    name: "n9",
    settings: { ...defaultSettings, seeds: ["a:1", "b:1"] },
    instance: 9,
    onWelcome: () => void heard.push("welcome"),
    onRefused: (reason) => void heard.push(reason),
  });
  asked.ask();
  return { timeline, sent, heard, asked };
}

describe("a joiner", () => {
  it("asks each seed in turn, as one instance, until one answers", () => {
    const { timeline, sent, asked } = joining();
    timeline.run(1_000);
    expect(sent.map(({ to }) => to)).toEqual(["a:1", "b:1", "a:1", "b:1"]);
    expect(new Set(sent.map(({ envelope }) => JSON.stringify(envelope.message))).size).toBe(1);
    asked.take(4, welcome);
    timeline.run(1_000);
    expect(sent).toHaveLength(4);
  });

  it("takes an answer that comes after it has asked again, and only one", () => {
    const { timeline, heard, asked } = joining();
    timeline.run(1_000);
    asked.take(1, welcome);
    asked.take(2, welcome);
    expect(heard).toEqual(["welcome"]);
  });

  it("takes no answer to what it did not ask", () => {
    const { heard, asked } = joining();
    for (const requestId of [0, 2, 99]) asked.take(requestId, welcome);
    asked.take(1, { kind: "stored", status: "durable" });
    expect(heard).toEqual([]);
  });

  it("asks on where one member can't, and stops where none would", () => {
    const { timeline, sent, heard, asked } = joining();
    asked.take(1, { kind: "failed", failure: fail("storage-failed", "no disk").failure });
    timeline.run(300);
    expect([sent.length, heard]).toEqual([2, []]);
    asked.take(2, { kind: "failed", failure: fail("join-refused", "the name is taken").failure });
    timeline.run(1_000);
    expect([sent.length, heard]).toEqual([2, ["joining was refused: the name is taken"]]);
  });
});
