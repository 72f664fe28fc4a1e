/** What the raw client says in a write: value, context, options, and the idempotency key that makes a retry the same write. */
import { describe, expect, test } from "vitest";
import { limits, type OperationTag } from "@kvorum/core";
import { ValidationError } from "@kvorum/client/internal";
import { bytes, cluster, connected } from "./fake-cluster.js";
import { type FakeNode, putDone } from "./fake-node.js";
import { rejection } from "./rejection.js";

describe("writes", () => {
  test("a delete is a write without a value; with no context the cluster removes what it sees", async () => {
    const nodes = await cluster(1);
    const [node] = nodes as [FakeNode];
    const client = await connected(nodes);
    for (const context of [undefined, bytes(5, 6)]) {
      const removed = client.delete("b", "k", context === undefined ? {} : { context });
      const { message, reply } = await node.inbox.take("put");
      expect(message).toMatchObject({ value: undefined, context: context ?? bytes() });
      reply(putDone());
      await removed;
    }
  });

  test("a put carries what the caller said, and is blind and of any bytes when he said nothing", async () => {
    const nodes = await cluster(1);
    const [node] = nodes as [FakeNode];
    const client = await connected(nodes);
    const plain = client.put("b", "k", bytes(1, 2));
    const first = await node.inbox.take("put");
    expect(first.message).toMatchObject({
      value: bytes(1, 2),
      contentType: "application/octet-stream",
      context: bytes(),
      w: undefined,
      sloppy: true,
      ifAbsent: false,
      operation: undefined,
    });
    first.reply(putDone());
    await plain;
    const options = { context: bytes(7), contentType: "text/plain", w: "all", sloppy: false, ifAbsent: true } as const;
    const full = client.put("b", "k", bytes(3), options);
    const second = await node.inbox.take("put");
    expect(second.message).toMatchObject(options);
    second.reply(putDone());
    await full;
  });

  test("the same idempotency key names the same write in every attempt, and another write is told apart", async () => {
    const nodes = await cluster(1);
    const [node] = nodes as [FakeNode];
    const client = await connected(nodes);
    const tagOf = async (value: number, attempt?: number): Promise<OperationTag | undefined> => {
      const options = attempt === undefined ? {} : { attempt };
      const write = client.put("b", "k", bytes(value), { idempotencyKey: "order-7", ...options });
      const { message, reply } = await node.inbox.take("put");
      reply(putDone());
      await write;
      return message.operation;
    };
    const [first, retry, unsaid, other] = [await tagOf(1, 1), await tagOf(1, 2), await tagOf(1), await tagOf(2, 1)];
    expect([first?.maybeRetry, retry?.maybeRetry, unsaid?.maybeRetry]).toEqual([false, true, true]);
    expect(retry).toEqual({ ...first, maybeRetry: true });
    expect(other?.id).toEqual(first?.id);
    expect(other?.check).not.toBe(first?.check);
  });

  test.each(["", "k".repeat(limits.idempotencyKeyBytesMax + 1)])(
    "an idempotency key of no or too many bytes is refused",
    async (idempotencyKey) => {
      const client = await connected(await cluster(1));
      expect(await rejection(client.put("b", "k", bytes(1), { idempotencyKey }))).toBeInstanceOf(ValidationError);
    },
  );
});
