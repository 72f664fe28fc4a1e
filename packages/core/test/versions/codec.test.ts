import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeBase64url, encodeBase64url } from "../../src/base/base64url.js";
import { MalformedError, Reader } from "../../src/base/bytes.js";
import { stampAt } from "../../src/base/hlc.js";
import type { CausalContext } from "../../src/versions/context.js";
import { EMPTY_CONTEXT, contextOf } from "../../src/versions/context.js";
import { openContext, sealContext } from "../../src/versions/context-token.js";
import { EMPTY_STATE, live, valued } from "../../src/versions/key-state.js";
import type { KeyState } from "../../src/versions/key-state.js";
import { liveAt, peekLive } from "../../src/versions/state-codec.js";
import { vectorBytes } from "../../src/versions/vector-codec.js";
import { write } from "../../src/versions/write.js";
import { count } from "../counts.js";
import { testPrimitives } from "../primitives.js";
import {
  EXPIRY_MAX,
  Replica,
  bytes,
  canon,
  decoded,
  dotAt,
  encoded,
  operationOf,
  play,
  stepsArbitrary,
} from "./support.js";

const runs = { numRuns: count(1_000, 100_000) };

const states = fc.tuple(stepsArbitrary(16, 3), fc.nat()).map(([steps, pick]) => {
  const seen = play(
    [1, 2, 3].map((instance) => new Replica(instance)),
    steps,
  );
  return seen[pick % seen.length] as KeyState;
});

/** The state that docs/formats/key-state.md spells out byte by byte. */
function workedExample(): KeyState {
  const request = {
    mode: "siblings",
    instance: 0x2a,
    lifetime: undefined,
    fresh: { boot: 1, birth: 1 },
    stamp: stampAt(1_800_000_000_000),
    deleted: false,
    contentType: "text/plain",
    origin: { node: "n1", fallback: false, context: false },
  } as const;
  const first = write(EMPTY_STATE, {
    ...request,
    context: EMPTY_CONTEXT,
    value: bytes("tea"),
    operation: operationOf(1),
  });
  const second = { ...request, lifetime: first.lifetime, stamp: stampAt(1_800_000_000_001) };
  const replaced = write(first.state, {
    ...second,
    context: first.context,
    value: bytes("milk"),
    origin: { ...request.origin, context: true },
  });
  return write(replaced.state, {
    ...second,
    context: EMPTY_CONTEXT,
    stamp: stampAt(1_800_000_000_002),
    deleted: true,
    contentType: "",
    value: bytes(""),
  }).state;
}

describe("a state's bytes", () => {
  it("are those of the worked example in docs/formats/key-state.md", () => {
    const page = readFileSync(new URL("../../../../docs/formats/key-state.md", import.meta.url), "utf8");
    const block = /```hex\n([^`]*)```/.exec(page)?.[1] ?? "";
    const written = block.replaceAll(/\|.*$/gm, "").replaceAll(/\s/g, "");
    expect(canon(workedExample())).toBe(written);
  });

  it("of a value with an expiry begin as that page says", () => {
    const page = readFileSync(new URL("../../../../docs/formats/key-state.md", import.meta.url), "utf8");
    const block = [...page.matchAll(/```hex\n([^`]*)```/g)][1]?.[1] ?? "";
    const written = block.replaceAll(/\|.*$/gm, "").replaceAll(/\s/g, "");
    const a = new Replica(0x2a);
    a.put({ value: "tea", expiresAtMs: 1_800_000_060_000 });
    expect(written).toHaveLength(18);
    expect(canon(a.state).slice(0, 18)).toBe(written);
  });

  it("refuse a tombstone that expires", () => {
    expect(() => new Replica(1).put({ deleted: true, expiresAtMs: 1 })).toThrow("a tombstone does not");
    const a = new Replica(1);
    a.put({ value: "v", expiresAtMs: 1 });
    const source = encoded(a.state);
    const flags = source.findIndex((byte) => byte === 32);
    source[flags] = 33;
    expect(() => decoded(source)).toThrow(MalformedError);
  });

  it("say which values stand, and how long, before anything else", () => {
    fc.assert(
      fc.property(states, (state) => {
        const header = peekLive(new Reader(testPrimitives.text, encoded(state)));
        expect(header.valued).toBe(valued(state).length);
        for (let now = 0; now <= EXPIRY_MAX; now++) expect(liveAt(header, now)).toBe(live(state, now).length);
      }),
      { numRuns: 200 },
    );
  });

  it("a small key's overhead stays small", () => {
    const a = new Replica(1);
    a.put({ value: "" });
    expect(encoded(a.state).length).toBeLessThan(50);
  });

  it("values are slices of the source, not copies", () => {
    const a = new Replica(1);
    a.put({ value: "sliced" });
    const source = encoded(a.state);
    expect(decoded(source).siblings[0]?.value.buffer).toBe(source.buffer);
  });

  it("decoding is total, and what it accepts it writes back byte for byte", () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 });
    const mutated = fc.tuple(states, changes, fc.boolean()).map(([state, drawn, cut]) => {
      const source = encoded(state);
      for (const [at, byte] of drawn) source[at % source.length] = byte;
      return cut ? source.subarray(0, (drawn[0]?.[0] ?? 0) % source.length) : source;
    });
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 80 })), (source) => {
        try {
          expect(encoded(decoded(source))).toEqual(source.slice());
          accepted++;
        } catch (error) {
          if (!(error instanceof MalformedError)) throw error;
        }
      }),
      runs,
    );
    expect(accepted).toBeGreaterThan(runs.numRuns / 40);
  });

  it.each([
    ["a newer format", (source: Uint8Array) => source.fill(3, 0, 1)],
    ["the form of a state with an expiry", (source: Uint8Array) => Uint8Array.of(2, 1, 0, ...source.subarray(2))],
    ["a wrong count of valued versions", (source: Uint8Array) => source.fill(3, 1, 2)],
    ["a byte too many", (source: Uint8Array) => Uint8Array.of(...source, 0)],
    ["a byte too few", (source: Uint8Array) => source.subarray(0, -1)],
  ])("%s is refused", (_name, change) => {
    expect(() => decoded(change(encoded(workedExample())))).toThrow(MalformedError);
  });

  it("text that is not UTF-8 is refused", () => {
    const a = new Replica(1);
    a.put({ contentType: "\u00ff" });
    const source = encoded(a.state);
    const at = source.findIndex((byte, i) => byte === 0xc3 && source[i + 1] === 0xbf);
    source[at + 1] = 0x00;
    expect(() => decoded(source)).toThrow(MalformedError);
  });
});

describe("a context's token", () => {
  const secret = bytes("the cluster's");
  const key = bytes("carts/alice");
  const seal = (context: CausalContext, id = key): Uint8Array => sealContext(testPrimitives, secret, id, context);
  const open = (token: Uint8Array, id = key): CausalContext | undefined =>
    openContext(testPrimitives, secret, id, token);

  it("opens for the key it was sealed for, and says what it said", () => {
    fc.assert(
      fc.property(states, (state) => {
        const context = contextOf(state);
        const opened = open(seal(context));
        expect(opened?.vector.equals(context.vector)).toBe(true);
        expect(opened?.stamp).toBe(context.stamp);
      }),
      { numRuns: 200 },
    );
  });

  it("is refused for another key, another cluster, or with any bit changed (trap 8)", () => {
    const a = new Replica(1);
    const token = seal(a.put().context);
    expect(open(token, bytes("carts/bob"))).toBeUndefined();
    expect(open(token, bytes("carts/alic"))).toBeUndefined();
    expect(openContext(testPrimitives, bytes("another's"), key, token)).toBeUndefined();
    for (let bit = 0; bit < token.length * 8; bit++) {
      const changed = token.slice();
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(open(changed)).toBeUndefined();
    }
    for (let length = 0; length < token.length; length++) expect(open(token.subarray(0, length))).toBeUndefined();
    expect(open(Uint8Array.of(...token, 0))).toBeUndefined();
    expect(open(new Uint8Array(100_000))).toBeUndefined();
  });

  it("a key's name and a body never run into those of another key", () => {
    const token = seal(EMPTY_CONTEXT, bytes("a/b"));
    const shifted = Uint8Array.of(...token.subarray(0, 17), ...bytes("b"), ...token.subarray(17));
    expect(open(shifted, bytes("a/"))).toBeUndefined();
  });

  it("after a single write is far below 512 characters", () => {
    const a = new Replica(2 ** 48 - 1);
    a.boot = 2 ** 31;
    a.births = 2 ** 40;
    expect(encodeBase64url(seal(a.put().context)).length).toBeLessThan(100);
  });

  it("fits into a header even when it is sealed from a vector that nobody bounded", () => {
    let context = EMPTY_CONTEXT;
    for (let i = 1; i <= 2_000; i++) context = { ...context, vector: context.vector.with(dotAt(i * 7, 1000 + i)) };
    expect(vectorBytes(context.vector)).toBeGreaterThan(20_000);
    const text = encodeBase64url(seal(context));
    expect(text.length).toBeLessThanOrEqual(8192);
    expect(context.vector.dominates(open(decodeBase64url(text) as Uint8Array)?.vector ?? context.vector)).toBe(true);
  });
});

describe("base64url", () => {
  it("is what RFC 4648 §5 says, without padding, and back", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (source) => {
        const text = encodeBase64url(source);
        expect(text).toBe(Buffer.from(source).toString("base64url"));
        expect(decodeBase64url(text)).toEqual(source);
      }),
      runs,
    );
  });

  it("one byte string has one text: what is accepted is written back letter for letter", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(..."AQgw-_9z=+/é ".split(""), "\u{1f600}"), maxLength: 9 }),
        (text) => {
          const source = decodeBase64url(text);
          if (source !== undefined) expect(encodeBase64url(source)).toBe(text);
        },
      ),
      runs,
    );
  });

  it.each(["A", "AB=", "AB==", "AA+A", "AA/A", "AB", "AAB", "A A", "AAAé"])("%j is refused", (text) =>
    expect(decodeBase64url(text)).toBeUndefined(),
  );
});
