/** What a read gives back: versions decoded when they are looked at, each with what a person needs to compare it. */
import { describe, expect, test } from "vitest";
import { MalformedError, stampAt, Writer, type Sibling } from "@kvorum/core";
import { nodeText } from "@kvorum/client/internal";
import { EMPTY_STATE, type KeyState } from "../../core/src/versions/key-state.js";
import { encodeState } from "../../core/src/versions/state-codec.js";
import { VersionVector } from "../../core/src/versions/version-vector.js";
import { ReadResult } from "../src/read-result.js";
import { got } from "./fake-node.js";

const actor = (instance: number): { instance: number; boot: number; birth: number; chain: number } => ({
  instance,
  boot: 1,
  birth: 1,
  chain: 0,
});

function sibling(instance: number, value: string, deleted = false): Sibling {
  const dot = { actor: actor(instance), n: 1 };
  return {
    dot,
    clock: VersionVector.of(dot),
    stamp: stampAt(1_700_000_000_000 + instance),
    deleted,
    contentType: "text/plain",
    value: new TextEncoder().encode(value),
    origin: { node: `n${instance}`, fallback: false, context: true },
  };
}

function read(...siblings: Sibling[]): ReadResult {
  return new ReadResult(nodeText, got(bytesOf(...siblings)));
}

function bytesOf(...siblings: Sibling[]): Uint8Array {
  const vector = siblings.reduce((all, each) => all.union(each.clock), VersionVector.EMPTY);
  const state: KeyState = { ...EMPTY_STATE, siblings, vector };
  const writer = new Writer(nodeText);
  encodeState(writer, state);
  return writer.take();
}

describe("a read", () => {
  test("of a key that was never seen has no siblings", () => {
    expect(new ReadResult(nodeText, got(new Uint8Array(0))).siblings).toEqual([]);
  });

  test("shows each version with its dot, clock, time and origin", () => {
    const [one, two, ...none] = read(sibling(1, "a"), sibling(2, "b")).siblings;
    expect(none).toEqual([]);
    expect(Buffer.from(one?.value ?? []).toString()).toBe("a");
    expect(one).toMatchObject({ contentType: "text/plain", timestamp: 1_700_000_000_001, dot: "000000000001.1.1:1" });
    expect(one?.clock).toEqual({ "000000000001.1.1": 1 });
    expect(two?.origin).toEqual({ node: "n2", fallback: false, context: true });
  });

  test("does not show what was deleted, though its context covers it", () => {
    const result = read(sibling(1, "", true), sibling(2, "b"));
    expect(result.siblings.map(({ origin }) => origin.node)).toEqual(["n2"]);
    expect(result.context.length).toBeGreaterThan(0);
  });

  test("decodes once", () => {
    const result = read(sibling(1, "a"));
    expect(result.body.length).toBeGreaterThan(0);
    expect(result.siblings).toBe(result.siblings);
  });

  test("gives values and a context that share no memory with what was received (TRAPS 30)", () => {
    const answer = got(bytesOf(sibling(1, "a")), new Uint8Array(100).subarray(7, 45));
    const result = new ReadResult(nodeText, answer);
    const [only] = result.siblings;
    expect(only?.value.buffer).not.toBe(answer.body.buffer);
    expect(only?.value.buffer.byteLength).toBe(1);
    expect(only?.received.buffer).toBe(answer.body.buffer);
    expect(result.context).toEqual(answer.context);
    expect(result.context.buffer.byteLength).toBe(38);
  });

  test("of bytes that are no state says so", () => {
    const result = new ReadResult(nodeText, got(new Uint8Array([255, 1, 2])));
    expect(() => result.siblings).toThrow(MalformedError);
  });
});
