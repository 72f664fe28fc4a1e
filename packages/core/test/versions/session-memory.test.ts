/** What a session remembers of keys, and what it makes of a read (Terry et al. 1994). */
import { describe, expect, it } from "vitest";
import { SessionMemory, type Knowledge } from "../../src/versions/session-memory.js";
import { VersionVector } from "../../src/versions/version-vector.js";

/** So many writes of one coordinator, or of another. */
function told(n: number, { by = 1, byFallbacks = false } = {}): Knowledge {
  const actor = { instance: by, boot: 1, birth: 1, chain: 0 };
  return { vector: VersionVector.of({ actor, n }), byFallbacks };
}

describe("a session's memory", () => {
  it("shows what knows as much as it has seen or more, and nothing that knows less or something else only", () => {
    const session = new SessionMemory();
    session.learn("k", told(2));
    const known = session.known("k");
    expect([2, 3].map((n) => session.judge(known, told(n), false))).toEqual(["shows-enough", "shows-enough"]);
    expect(session.judge(known, told(1), false)).toBe("knows-less");
    expect(session.judge(known, told(5, { by: 2 }), false)).toBe("knows-less");
    expect(session.judge(session.known("other"), told(1), false)).toBe("shows-enough");
  });

  it("adds up what different answers tell", () => {
    const session = new SessionMemory();
    session.learn("k", told(2));
    session.learn("k", told(1, { by: 2 }));
    session.learn("k", told(1));
    expect(session.known("k").vector.equals(told(2).vector.union(told(1, { by: 2 }).vector))).toBe(true);
  });

  it("takes the word of all primaries against its own, unless fallbacks alone had told it", () => {
    const session = new SessionMemory();
    session.learn("k", told(2));
    expect(session.judge(session.known("k"), told(1), true)).toBe("was-reaped");
    expect(session.judge(session.known("k"), told(1, { byFallbacks: true }), true)).toBe("knows-less");
    session.learn("k", told(3, { byFallbacks: true }));
    expect(session.judge(session.known("k"), told(1), true)).toBe("knows-less");
    // A primary has it now.
    session.learn("k", told(3));
    expect(session.judge(session.known("k"), told(1), true)).toBe("was-reaped");
  });

  it("forgets a key when it is told to, and the one unused for longest when there are too many", () => {
    const session = new SessionMemory(2);
    for (const name of ["a", "b"]) session.learn(name, told(1));
    session.learn("a", told(2));
    session.learn("c", told(1));
    expect(["a", "b", "c"].map((name) => session.known(name).vector.isEmpty)).toEqual([false, true, false]);
    session.forget("a");
    expect(session.known("a").vector.isEmpty).toBe(true);
    expect(session.size).toBe(1);
  });
});
