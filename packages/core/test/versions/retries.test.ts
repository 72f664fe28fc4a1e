/** Retries of one client's write, over any coordinators (DESIGN §4, Retries; trap 6, riak_kv #1188). */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvariantError } from "../../src/base/assert.js";
import { limits } from "../../src/base/limits.js";
import { formatDot } from "../../src/versions/actor.js";
import type { CausalContext } from "../../src/versions/context.js";
import { EMPTY_CONTEXT, contextOfAdopted } from "../../src/versions/context.js";
import { valued, standing } from "../../src/versions/key-state.js";
import { merge } from "../../src/versions/merge.js";
import { compareStrings } from "../../src/versions/order.js";
import { findOperation } from "../../src/versions/retries.js";
import { count } from "../counts.js";
import { Replica, canon, decoded, encoded, operationOf, stamp, stepsArbitrary } from "./support.js";
import type { Step } from "./support.js";

const retry = operationOf(1);
const cluster = (): [Replica, Replica, Replica] => [new Replica(1), new Replica(2), new Replica(3)];
const known = (replica: Replica, operation = retry): string => {
  const found = findOperation(replica.state, operation, 0);
  return found?.kind === "same" ? formatDot(found.dot) : (found?.kind ?? "unknown");
};

describe("an operation is remembered beside its sibling", () => {
  it("on every replica that has the state, also after another write replaced it", () => {
    const [a, b] = cluster();
    const { context } = a.put({ operation: retry });
    b.receive(a.state);
    expect(known(b)).toBe("000000000001.1.1:1");
    b.put({ context });
    expect(known(b)).toBe("000000000001.1.1:1");
    a.receive(b.state);
    expect(known(a)).toBe("000000000001.1.1:1");
    expect(canon(decoded(encoded(a.state)))).toBe(canon(b.state));
  });

  it("the same id for another write is a mismatch, and forgiven once it is old", () => {
    const [a] = cluster();
    a.put({ operation: retry });
    const other = { id: retry.id, check: retry.check + 1n };
    expect(known(a, other)).toBe("mismatch");
    expect(findOperation(a.state, other, 1e12)).toBeUndefined();
    expect(known(a, operationOf(2))).toBe("unknown");
  });

  it("a coordinator that knows it does not mint it again", () => {
    const [a] = cluster();
    const { context } = a.put({ operation: retry });
    expect(() => a.put({ operation: retry })).toThrow(InvariantError);
    a.put({ context });
    expect(() => a.put({ operation: retry })).toThrow(InvariantError);
  });

  it("an adopted dot gives the client the context that the lost answer would have given", () => {
    const [a] = cluster();
    const first = a.put();
    const lost = a.put({ operation: retry, context: first.context });
    const found = findOperation(a.state, retry, 0);
    if (found?.kind !== "same") throw new Error("not found");
    const adopted = contextOfAdopted(first.context, found.dot, found.stamp);
    expect(adopted.vector.equals(lost.context.vector)).toBe(true);
    expect(adopted.stamp).toBe(lost.context.stamp);
  });
});

describe("two dots of one operation are one version wherever they meet", () => {
  it("a read shows one, by its smallest dot, whichever came first", () => {
    const [a, b] = cluster();
    a.put({ operation: retry, value: "v" });
    b.put({ operation: retry, value: "v" });
    b.receive(a.state);
    a.receive(b.state);
    expect(canon(a.state)).toBe(canon(b.state));
    expect(a.state.siblings).toHaveLength(2);
    expect(valued(a.state).map(({ dot }) => formatDot(dot))).toEqual(["000000000001.1.1:1"]);
    expect(known(a)).toBe("000000000001.1.1:1");
  });

  it("does not hide one whose content is different", () => {
    const [a, b] = cluster();
    a.put({ operation: retry, value: "v" });
    b.put({ operation: retry, value: "not v" });
    a.receive(b.state);
    expect(valued(a.state)).toHaveLength(2);
  });

  it("a context that covers one of the dots removes both", () => {
    const [a, b] = cluster();
    const shown = a.put({ operation: retry, value: "v" });
    b.put({ operation: retry, value: "v" });
    a.receive(b.state);
    a.put({ context: shown.context, value: "w" });
    expect(standing(a.state).map(({ value }) => Buffer.from(value).toString())).toEqual(["w"]);
  });

  it.each([
    ["the writer's node first", [0, 1]],
    ["the second attempt first", [1, 0]],
  ] as const)("a write over one dot replaces the other where they meet later (%s)", (_name, order) => {
    const [a, b, c] = cluster();
    const shown = a.put({ operation: retry, value: "v" });
    a.put({ context: shown.context, value: "w" });
    b.put({ operation: retry, value: "v" });
    for (const i of order) c.receive(([a, b] as const)[i].state);
    expect(valued(c.state).map(({ value }) => Buffer.from(value).toString())).toEqual(["w"]);
    expect(known(c)).toBe("000000000001.1.1:1");
  });

  it("also when the writer's coordinator never saw the operation", () => {
    const [a, b, c] = cluster();
    const shown = a.put({ operation: retry, value: "v" });
    b.put({ operation: retry, value: "v" });
    c.put({ context: shown.context, value: "w" });
    c.receive(b.state);
    expect(valued(c.state)).toHaveLength(2);
    c.receive(a.state);
    expect(valued(c.state).map(({ value }) => Buffer.from(value).toString())).toEqual(["w"]);
  });

  it("a concurrent write that saw neither dot stands beside them", () => {
    const [a, b] = cluster();
    a.put({ operation: retry, value: "v" });
    b.put({ operation: retry, value: "v" });
    b.put({ value: "w" });
    a.receive(b.state);
    expect(valued(a.state)).toHaveLength(2);
  });
});

/** What a client or a node has seen, as names of writes: an operation is one write, however often it was minted. */
interface Seen {
  readonly context: CausalContext;
  readonly writes: ReadonlySet<string>;
}

/** Plays steps, merges all, and says what stands, by the code and by a model that knows which write replaced which. */
function converge(steps: readonly Step[]): { stands: string[]; expected: string[] } {
  const replicas = cluster();
  const nodes = replicas.map(() => new Set<string>());
  const known: Seen[] = [{ context: EMPTY_CONTEXT, writes: new Set() }];
  const requests = new Map<string, Seen>();
  const replaced = new Set<string>();
  const written = new Set<string>();
  steps.forEach((step, i) => {
    if (step.kind === "lose") return;
    const at = step.kind === "merge" ? step.to : step.at;
    const [replica, node] = [replicas[at] as Replica, nodes[at] as Set<string>];
    if (step.kind === "merge") {
      replica.receive((replicas[step.from] as Replica).state);
      for (const write of nodes[step.from] as Set<string>) node.add(write);
      return;
    }
    known.push({ context: replica.read(), writes: new Set(node) });
    const name = step.operation === 0 ? `put${i}` : `op${step.operation}`;
    const request = requests.get(name) ?? (known[step.context % known.length] as Seen);
    requests.set(name, request);
    for (const write of request.writes) replaced.add(write);
    for (const write of [...request.writes, name]) node.add(write);
    written.add(name);
    if (step.operation === 0) {
      known.push({
        context: replica.put({ context: request.context, value: name }).context,
        writes: new Set([...request.writes, name]),
      });
    } else replica.putOnce({ context: request.context, value: name, operation: operationOf(step.operation) });
  });
  const merged = replicas.map(({ state }) => state).reduce((a, b) => merge(a, b, "siblings"));
  return {
    stands: valued(merged).map(({ value }) => Buffer.from(value).toString()),
    expected: [...written].filter((write) => !replaced.has(write)),
  };
}

describe("an operation counts as one write, however often it was minted", () => {
  it("once all replicas have met, just what no write replaced stands", () => {
    fc.assert(
      fc.property(stepsArbitrary(30, 5, false), (steps) => {
        const { stands, expected } = converge(steps);
        expect(stands.sort(compareStrings)).toEqual(expected.sort(compareStrings));
      }),
      { numRuns: count(400, 30_000) },
    );
  });
});

describe("what is remembered is bounded", () => {
  it(`the newest ${limits.operationsMax} replaced operations, the same ones in any order of merging`, () => {
    const [a, b, c] = cluster();
    let context = EMPTY_CONTEXT;
    for (let i = 1; i <= 2 * limits.operationsMax; i++) {
      context = (i % 2 === 0 ? a : b).put({ context, operation: operationOf(i) }).context;
      if (i % 5 === 0) a.receive(b.state);
      if (i % 7 === 0) b.receive(a.state);
    }
    a.receive(b.state);
    c.receive(b.state);
    c.receive(a.state);
    expect(a.state.operations.count).toBe(limits.operationsMax);
    expect(canon(a.state)).toBe(canon(c.state));
    expect(known(a, operationOf(1))).toBe("unknown");
    expect(known(a, operationOf(2 * limits.operationsMax - 1))).not.toBe("unknown");
  });

  it("none much older than the newest", () => {
    const [a] = cluster();
    const minute = 60_000 * 1024;
    let { context } = a.put({ operation: operationOf(1) });
    a.ticks.now += 11 * minute;
    context = a.put({ context, operation: operationOf(2) }).context;
    expect(known(a, operationOf(1))).not.toBe("unknown");
    a.put({ context, operation: operationOf(3) });
    expect(known(a, operationOf(1))).toBe("unknown");
    expect(known(a, operationOf(2))).not.toBe("unknown");
    expect(a.state.siblings[0]?.stamp).toBeGreaterThan(stamp(11 * minute));
  });
});
