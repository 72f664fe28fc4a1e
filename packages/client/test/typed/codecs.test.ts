/** What a codec writes, checks and refuses, and what its schema says (CONTRACT §5). */
import { describe, expect, test } from "vitest";
import { bytes, json, msgpack, resolvers, text, ValidationError } from "@kvorum/client";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { z } from "zod";
import { fake, rejection } from "./support.js";

describe("codecs", () => {
  const user = z.object({ name: z.string().min(1), age: z.int().default(0) });

  test("a schema checks what is written, and fills in what it says", async () => {
    const users = (await fake()).bucket("users", { codec: json(user), resolve: resolvers.lww() });
    const error = await rejection(users.put("u", { name: "", age: 1 }));
    expect(error).toBeInstanceOf(ValidationError);
    expect(error).toMatchObject({ code: "bad-value", effect: "none", message: expect.stringContaining("name") });
    expect(await users.get("u")).toBeUndefined();
    await users.put("u", { name: "Ada" } as z.output<typeof user>);
    expect((await users.get("u"))?.value).toEqual({ name: "Ada", age: 0 });
  });

  test("a schema checks what is read, and a hook migrates old shapes", async () => {
    const kv = await fake();
    await kv.bucket("users", { codec: json<unknown>() }).put("u", { fullName: "Ada" });
    const strict = kv.bucket("users", { codec: json(user), resolve: resolvers.lww() });
    expect(await rejection(strict.get("u"))).toMatchObject({
      code: "bad-value",
      message: expect.stringMatching(/users\/u.*name/),
    });
    const migrating = kv.bucket("users", {
      codec: json(user, { migrate: (old) => ({ name: (old as { fullName: string }).fullName }) }),
      resolve: resolvers.lww(),
    });
    expect((await migrating.get("u"))?.value).toEqual({ name: "Ada", age: 0 });
    await migrating.update("u", (known) => known ?? { name: "?", age: 0 });
    expect((await strict.get("u"))?.value).toEqual({ name: "Ada", age: 0 });
  });

  test("a schema may answer with a promise", async () => {
    const slow = user.refine(async ({ name }) => Promise.resolve(name !== "nobody"));
    const users = (await fake()).bucket("users", { codec: json(slow), resolve: resolvers.lww() });
    await users.put("u", { name: "Ada", age: 36 });
    expect((await users.get("u"))?.value).toEqual({ name: "Ada", age: 36 });
    expect(await rejection(users.put("u", { name: "nobody", age: 1 }))).toMatchObject({ code: "bad-value" });
  });

  test("any Standard Schema will do, also one that is a function", async () => {
    const even = Object.assign(() => {}, {
      "~standard": {
        version: 1,
        vendor: "mine",
        validate: (value: unknown) =>
          typeof value === "number" && value % 2 === 0
            ? { value }
            : { issues: [{ message: "not even", path: ["deep", { key: "er" }] }] },
      },
    } as const satisfies StandardSchemaV1<number>);
    const numbers = (await fake()).bucket("numbers", { codec: json(even), resolve: resolvers.max() });
    await numbers.put("k", 2);
    expect((await numbers.get("k"))?.value).toBe(2);
    const message = "numbers/k was not written: deep.er: not even";
    expect(await rejection(numbers.put("k", 3))).toMatchObject({ code: "bad-value", message });
    expect(() => json({} as typeof even)).toThrow(/Standard Schema/);
  });

  test("bytes come back as they were, and what is given is copied", async () => {
    const blobs = (await fake()).bucket("blobs", { codec: bytes("image/png"), resolve: resolvers.lww() });
    const given = new Uint8Array([0, 255, 1]);
    const writing = blobs.put("k", given);
    given.fill(7);
    await writing;
    const [sibling] = (await blobs.getSiblings("k"))?.siblings ?? [];
    expect(sibling).toMatchObject({ value: new Uint8Array([0, 255, 1]), contentType: "image/png" });
  });

  test("msgpack carries dates and bytes, with a schema too", async () => {
    const schema = z.object({ at: z.date(), raw: z.instanceof(Uint8Array) });
    const events = (await fake()).bucket("events", { codec: msgpack(schema), resolve: resolvers.lww() });
    const event = { at: new Date(1_700_000_000_123), raw: new Uint8Array([1, 2, 3]) };
    await events.put("k", event);
    const read = (await events.get("k"))?.value;
    expect(read?.at).toEqual(event.at);
    expect([...(read?.raw ?? [])]).toEqual([1, 2, 3]);
  });

  test.each([
    ["json of undefined", json<unknown>(), undefined],
    ["json of a function", json<unknown>(), () => 1],
    ["json of a bigint", json<unknown>(), 1n],
    ["half a character", text(), "\ud800"],
    ["a number as text", text(), 5],
    ["text as bytes", bytes(), "x"],
    ["msgpack of undefined", msgpack<unknown>(), undefined],
  ])("%s is refused before anything is sent", async (_, codec, value) => {
    const kv = await fake();
    const bucket = kv.bucket("b", { codec: codec as ReturnType<typeof json<unknown>> });
    expect(await rejection(bucket.put("k", value))).toMatchObject({ code: "bad-value", effect: "none" });
    expect(await bucket.get("k")).toBeUndefined();
  });

  test("values of another codec are an error that names the version, and can be read as bytes", async () => {
    const kv = await fake();
    await kv.bucket("b", { codec: bytes() }).put("k", new Uint8Array([0xff]));
    for (const codec of [json<unknown>(), text()]) {
      const error = await rejection(kv.bucket("b", { codec: codec as ReturnType<typeof text> }).get("k"));
      expect(error).toMatchObject({ code: "bad-value", message: expect.stringContaining("application/octet-stream") });
    }
    expect((await kv.bucket("b", { codec: bytes() }).get("k"))?.siblings[0]?.value).toEqual(new Uint8Array([0xff]));
  });
});
