/** What every error answer is (CONTRACT §3): problem+json of a stable name, with words that help, and for a write what became of it. */
import { expect } from "vitest";
import { jsonOf, type Problem, type Reply } from "./http.js";

/** The problem that an answer must be. `effect`: what a refused PUT or DELETE must say of itself; undefined for a read, which says nothing. */
export function expectProblem(reply: Reply, status: number, name: string, effect?: "none" | "unknown"): Problem {
  const shown = `${reply.status} ${reply.body.toString("utf8", 0, 1000)}`;
  expect(reply.status, shown).toBe(status);
  expect(reply.headers["content-type"]).toBe("application/problem+json");
  const problem = jsonOf<Problem>(reply);
  expect(problem, shown).toMatchObject({ type: `urn:kvorum:${name}`, status, title: expect.any(String) });
  expect(problem.detail.length, shown).toBeGreaterThan(20);
  expect(problem.effect, shown).toBe(effect);
  return problem;
}
