/** What a member owes is told to the others: whoever reaps waits for a word newer than what he fears (DESIGN §4). */
import { describe, expect, it } from "vitest";
import { DebtReport, NOTHING_OWED } from "../../src/node/debt-report.js";
import { TestCluster } from "./cluster.js";

describe("debts", () => {
  it("are said at once when they change, and again and again when they do not", () => {
    let wallMs = 5_000;
    const report = new DebtReport({ monotonicMs: () => 0, wallMs: () => wallMs, after: () => () => {} });
    expect(report.toSay(NOTHING_OWED)).toEqual({ ...NOTHING_OWED, saidAtMs: 5_000 });
    expect(report.toSay(NOTHING_OWED)).toBe(undefined);
    wallMs = 6_000;
    const owed = { ...NOTHING_OWED, hints: 1, oldestHintMs: 5_900 };
    expect(report.toSay(owed)).toEqual({ ...owed, saidAtMs: 6_000 });
    wallMs = 7_000;
    const again = Array.from({ length: 30 }, () => report.toSay(owed)).filter((said) => said !== undefined);
    expect(again.length).toBe(3);
    expect(again[0]).toEqual({ ...owed, saidAtMs: 7_000 });
  });

  it("reach every member, with a time that goes on", () => {
    const cluster = TestCluster.of(3);
    const saidAtMs = (): number => cluster.node("n1").membership.debtsOf("n3")?.saidAtMs ?? 0;
    cluster.timeline.until(() => saidAtMs() > 0, 5_000, "n1 knows what n3 owes");
    const first = saidAtMs();
    cluster.timeline.until(() => saidAtMs() > first, 5_000, "n3 has said it anew");
    expect(cluster.node("n1").membership.debtsOf("n3")).toMatchObject({ hints: 0, oldestTransferMs: 0 });
    expect(cluster.node("n1").membership.debtsOf("nobody")).toBe(undefined);
  });
});
