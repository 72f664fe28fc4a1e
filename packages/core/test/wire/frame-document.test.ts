/** docs/formats/frame.md tells the truth: its example is what the code writes, and its table names every message by its number. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Writer } from "../../src/base/bytes.js";
import { encodeFrame, FrameParser, type Frame } from "../../src/wire/frame.js";
import { encodeMessage } from "../../src/wire/message-codecs.js";
import type { Message } from "../../src/wire/messages.js";
import { testPrimitives } from "../primitives.js";
import { messagesByKind } from "./arbitrary-messages.js";

const { text } = testPrimitives;
const page = readFileSync(new URL("../../../../docs/formats/frame.md", import.meta.url), "utf8");

const example: readonly Frame[] = [
  {
    clusterId: 0x00c0ffee00c0ffeen,
    envelope: {
      requestId: 0,
      deadlineMs: 0,
      message: { kind: "hello", role: "client", name: "example", instance: 0 },
    },
  },
  {
    clusterId: 0x00c0ffee00c0ffeen,
    envelope: {
      requestId: 7,
      deadlineMs: 5_000,
      message: {
        kind: "get",
        id: new TextEncoder().encode("users/ada"),
        r: 2,
        sloppy: false,
        local: false,
        hops: 0,
      },
    },
  },
];

test("the worked example is what the code writes and reads", () => {
  const block = /```\n([0-9a-f\s]+)```/.exec(page)?.[1] ?? "";
  const written = Uint8Array.from(block.replaceAll(/\s/g, "").match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
  const writer = new Writer(text);
  for (const { clusterId, envelope } of example) encodeFrame(writer, clusterId, envelope);
  expect(written).toEqual(writer.take());
  const read: Frame[] = [];
  new FrameParser(text, 1_000).push(written, (frame) => read.push(frame));
  expect(read).toEqual(example);
});

test("every kind of message stands in the table under its number, and none besides", () => {
  const inTable = [...page.matchAll(/^\| (\d+) \| ([a-z-]+) \|/gm)]
    .map(([, number, kind]) => [Number(number), kind])
    .filter(([, kind]) => String(kind) in messagesByKind);
  const inCode = Object.entries<fc.Arbitrary<Message>>(messagesByKind).map(([kind, messages]) => {
    const [message] = fc.sample(messages, 1);
    return [message === undefined ? 0 : encodeMessage(new Writer(text), message), kind];
  });
  expect(inTable).toEqual(inCode.toSorted(([a], [b]) => Number(a) - Number(b)));
});
