/** Idempotency: one key names one write, whatever the attempt; another write under it is found out. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limits } from "@kvorum/core";
import { createPrimitives, ValidationError } from "@kvorum/client";
import { operationTag } from "../src/operation-tag.js";

const primitives = await createPrimitives();
const write = fc.record({
  id: fc.uint8Array({ minLength: 1, maxLength: 20 }),
  value: fc.option(fc.uint8Array({ maxLength: 40 }), { nil: undefined }),
  contentType: fc.string({ maxLength: 20 }),
  context: fc.uint8Array({ maxLength: 40 }),
});

describe("operationTag", () => {
  test("is the same for the same key and write, whatever the attempt", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 60 }), write, (key, request) => {
        const first = operationTag(primitives, key, request, 1);
        const second = operationTag(primitives, key, structuredClone(request), 2);
        expect(second).toEqual({ ...first, maybeRetry: true });
        expect([first.id.length, first.maybeRetry]).toEqual([16, false]);
        expect(operationTag(primitives, key, request, undefined).maybeRetry).toBe(true);
      }),
    );
  });

  test("has another check for any other key, context, body or kind", () => {
    fc.assert(
      fc.property(write, write, (a, b) => {
        fc.pre(JSON.stringify(a) !== JSON.stringify(b));
        const [one, two] = [a, b].map((request) => operationTag(primitives, "k", request, 1));
        expect(one?.id).toEqual(two?.id);
        expect(one?.check).not.toBe(two?.check);
      }),
    );
  });

  test.each(["", "k".repeat(limits.idempotencyKeyBytesMax + 1)])("refuses a key of no or too many bytes", (key) => {
    const request = { id: new Uint8Array(1), value: undefined, contentType: "", context: new Uint8Array(0) };
    expect(() => operationTag(primitives, key, request, 1)).toThrow(ValidationError);
  });
});
