/** The checkers that go by the clients' history alone, on histories made by hand: each sees what it is for, and lets pass what is right. */
import { describe, expect, it } from "vitest";
import type { WorldEvent } from "../../src/world/world.js";
import { History, type Begun, type Operation, type Returned } from "../../src/history.js";
import type { Bench, MakeChecker } from "../../src/check/checker.js";
import type { Finals } from "../../src/check/finals.js";
import { lostWrites } from "../../src/check/lost-writes.js";
import { Past } from "../../src/check/past.js";
import { phantoms } from "../../src/check/phantoms.js";
import { expiry } from "../../src/check/expiry.js";
import { resurrections } from "../../src/check/resurrections.js";
import { sessions } from "../../src/check/sessions.js";
import { staleReads } from "../../src/check/stale-reads.js";

const OWNERS = ["n1", "n2", "n3"];

class Case {
  readonly history = new History();
  #now = 0;

  operation(kind: Operation["kind"], about: Partial<Begun & Pick<Operation, "outcome" | "returned">>): Operation {
    const begun: Begun = {
      ...{
        client: "c1",
        session: false,
        node: "n1",
        kind,
        bucket: "b",
        key: "k",
        quorum: undefined,
        lww: false,
        isBlindDelete: false,
        ttlSeconds: undefined,
      },
      sloppy: false,
      ...{ tag: "", sawTags: [], idempotencyKey: undefined, startMs: ++this.#now },
      ...about,
    };
    const operation = this.history.begin(begun);
    const { outcome = "done", returned = [] } = about;
    return Object.assign(operation, { outcome, returned, needed: 2, attempts: 1, doneBy: 1, endMs: ++this.#now });
  }

  put(tag: string, sawTags: readonly string[] = [], about: Partial<Operation> = {}): Operation {
    return this.operation("put", { tag, sawTags, ...about });
  }

  get(...tags: string[]): Operation {
    return this.operation("get", { returned: tags.map(version) });
  }

  /** What the checkers say when each owner ends up with these values. */
  judge(make: MakeChecker, ...held: readonly (readonly string[])[]): string[] {
    return this.judgeAfter(undefined, make, ...held);
  }

  /** The same when that has happened while the clients were at work. */
  judgeAfter(event: WorldEvent | undefined, make: MakeChecker, ...held: readonly (readonly string[])[]): string[] {
    const reports: string[] = [];
    const bench = {
      world: { nowMs: event === undefined ? 0 : this.#now },
      history: this.history,
      lens: { owners: () => OWNERS },
      past: new Past(this.history),
      heals: true,
      clocksApartMs: 0,
      report: (invariant: string) => reports.push(invariant),
      mark: () => {},
    } as unknown as Bench;
    const checker = make(bench);
    if (event !== undefined) checker.event?.(event);
    checker.end?.(finalsOf(this.history, held));
    return reports;
  }
}

function version(tag: string): Returned {
  return { tag, dot: `${tag}:1`, stamp: 1, deleted: false };
}

function finalsOf({ operations }: History, held: readonly (readonly string[])[]): Finals {
  const holdings = new Map(held.map((tags, i) => [OWNERS[i], { versions: tags.map(version) }]));
  const union = [...new Set(held.flat())].map(version);
  const key = { name: "b/k", bucket: "b", key: "k", lww: false, operations, holdings, union };
  return { keys: [key], silent: [] } as unknown as Finals;
}

describe("no acknowledged write is lost (C1, C2)", () => {
  it("sees one that nobody holds, and one that a single owner lacks", () => {
    const run = new Case();
    run.put("a");
    expect(run.judge(lostWrites, [], [], [])).toEqual(["no-acknowledged-write-lost"]);
    expect(run.judge(lostWrites, ["a"], ["a"], [])).toEqual(["no-replica-lacks-a-write"]);
    expect(run.judge(lostWrites, ["a"], ["a"], ["a"])).toEqual([]);
  });

  it("takes a write that had seen it for it, also through others", () => {
    const run = new Case();
    run.put("a");
    run.put("b", ["a"]);
    run.put("c", ["b"]);
    expect(run.judge(lostWrites, ["c"], ["c"], ["c"])).toEqual([]);
  });

  it("lets a delete that saw it take it away, also one of unknown outcome, but none that surely was not done", () => {
    for (const [outcome, reports] of [
      ["unknown", 0],
      ["not-done", 1],
    ] as const) {
      const run = new Case();
      run.put("a");
      run.operation("delete", { sawTags: ["a"], outcome });
      expect(run.judge(lostWrites, [], [], [])).toHaveLength(reports);
    }
  });

  it("does not hold the loss of a write against anybody that was never acknowledged", () => {
    const run = new Case();
    run.put("a", [], { outcome: "unknown" });
    expect(run.judge(lostWrites, [], [], [])).toEqual([]);
  });
});

describe("nothing that was replaced comes back (C3, C4)", () => {
  it("sees a value that a done write had replaced, and one beside it", () => {
    const run = new Case();
    run.put("a");
    run.put("b", ["a"]);
    expect(run.judge(resurrections, ["a"])).toEqual(["nothing-replaced-comes-back"]);
    expect(run.judge(resurrections, ["a", "b"])).toContain("no-false-sibling");
    expect(run.judge(resurrections, ["b"])).toEqual([]);
  });

  it("sees a value that a delete without a context must have found", () => {
    const run = new Case();
    run.put("a");
    run.operation("delete", { isBlindDelete: true });
    expect(run.judge(resurrections, ["a"])).toEqual(["nothing-replaced-comes-back"]);
  });
});

describe("nothing appears that nobody wrote (C5)", () => {
  it("sees a stranger, a refused write, and one write shown twice", () => {
    const run = new Case();
    run.put("refused", [], { outcome: "not-done" });
    run.put("twin");
    expect(run.judge(phantoms, ["stranger"])).toEqual(["no-phantom"]);
    expect(run.judge(phantoms, ["refused"])).toEqual(["no-phantom"]);
    expect(run.judge(phantoms, ["twin", "twin"])).toEqual(["one-write-is-one-version"]);
  });
});

describe("no read misses what was done before it began (C8)", () => {
  it("sees a read without a done write, and one that shows what was replaced", () => {
    const missing = new Case();
    missing.put("a");
    missing.get();
    expect(missing.judge(staleReads)).toEqual(["no-stale-read"]);
    const old = new Case();
    old.put("a");
    old.put("b", ["a"]);
    old.get("a");
    expect(old.judge(staleReads)).toContain("no-stale-read");
  });

  it("lets a read be without what was written while it was under way, and without what was deleted", () => {
    const run = new Case();
    const read = run.get();
    run.put("a");
    expect(run.judge(staleReads)).toEqual([]);
    expect(read.returned).toEqual([]);
    const deleted = new Case();
    deleted.put("a");
    deleted.operation("delete", { sawTags: ["a"] });
    deleted.get();
    expect(deleted.judge(staleReads)).toEqual([]);
  });

  it("asks nothing of quorums that need not meet", () => {
    const run = new Case();
    run.put("a").needed = 1;
    run.get();
    expect(run.judge(staleReads)).toEqual([]);
  });
});

describe("a session reads its own writes, and never less than before (C9)", () => {
  const session = { session: true };

  it("sees a read that misses a write of the session, and none of another client's", () => {
    const run = new Case();
    run.put("a", [], session);
    run.operation("get", { ...session, returned: [] });
    run.get();
    expect(run.judge(sessions)).toEqual(["read-your-writes"]);
  });

  it("sees a read that shows less than the one before, and lets pass what had seen that", () => {
    const run = new Case();
    run.put("a", [], { client: "c2" });
    run.put("b", ["a"], { client: "c2" });
    run.operation("get", { ...session, returned: [version("a")] });
    run.operation("get", { ...session, returned: [version("b")] });
    expect(run.judge(sessions)).toEqual([]);
    run.operation("get", { ...session, returned: [version("a")] });
    expect(run.judge(sessions)).toContain("monotonic-reads");
  });

  it("sees a value that the session has deleted", () => {
    const run = new Case();
    run.put("a", [], session);
    run.operation("delete", { ...session, sawTags: ["a"] });
    run.operation("get", { ...session, returned: [version("a")] });
    expect(run.judge(sessions)).toEqual(["read-your-writes"]);
  });

  it("asks for nothing that somebody may have deleted, or that has ended", () => {
    const run = new Case();
    run.put("a", [], session);
    run.operation("delete", { client: "c2", sawTags: ["a"], outcome: "unknown" });
    run.operation("get", { ...session, returned: [] });
    run.put("b", [], { ...session, key: "brief", ttlSeconds: 1 });
    run.operation("get", { ...session, key: "brief", returned: [] });
    expect(run.judge(sessions)).toEqual([]);
  });

  it("asks for a write of unknown outcome that was shown, unless it may be gone with what was not flushed", () => {
    const run = new Case();
    run.put("a", [], { client: "c2", outcome: "unknown" });
    run.operation("get", { ...session, returned: [version("a")] });
    run.operation("get", { ...session, returned: [] });
    expect(run.judge(sessions)).toEqual(["monotonic-reads"]);
    expect(run.judgeAfter({ kind: "fault", fault: "power", node: "n1", about: "" }, sessions)).toEqual([]);
  });
});

describe("what has expired is shown by nobody", () => {
  it("sees a value that is shown long after its end, not one that clocks may still differ about", () => {
    const run = new Case();
    run.put("a", [], { ttlSeconds: 1 });
    run.operation("get", { returned: [version("a")], startMs: 3_001 });
    expect(run.judge(expiry)).toEqual([]);
    run.operation("get", { returned: [version("a")], startMs: 3_100 });
    expect(run.judge(expiry)).toEqual(["no-expired-value-shown"]);
    expect(run.judgeAfter({ kind: "fault", fault: "skew", node: "n1", about: "" }, expiry)).toEqual([]);
  });
});
