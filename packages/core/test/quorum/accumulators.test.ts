/** GET and PUT as counts of who answered what (Dynamo §4.5, "Execution of get() and put() operations"; TRAPS 11, 14). */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GetAccumulator, type StateOps } from "../../src/quorum/get-accumulator.js";
import { majority, neededReplies } from "../../src/quorum/needed.js";
import { PutAccumulator, type PutReply } from "../../src/quorum/put-accumulator.js";
import { count } from "../counts.js";

const runs = { numRuns: count(500, 20_000) };
const members = ["a", "b", "c", "d", "e"];

/** A state is a set of writes, as bits: joining is a union. Its digest is told apart from 0, which names nothing. */
const ops: StateOps<number> = { merge: (a, b) => a | b, digest: (state) => BigInt(state) + 1n };

type Word =
  | { readonly kind: "state" | "digest"; readonly state: number }
  | { readonly kind: "absent" | "unreachable" }
  | { readonly kind: "unknown"; readonly state: number | undefined };

const state = fc.integer({ min: 1, max: 7 });
const word: fc.Arbitrary<Word> = fc.oneof(
  fc.record({ kind: fc.constantFrom("state" as const, "digest" as const), state }),
  fc.record({ kind: fc.constantFrom("absent" as const, "unreachable" as const) }),
  fc.record({ kind: fc.constant("unknown" as const), state: fc.option(state, { nil: undefined }) }),
);

function say(accumulator: GetAccumulator<number>, from: string, said: Word): void {
  switch (said.kind) {
    case "state":
      return accumulator.state(from, said.state, ops.digest(said.state));
    case "digest":
      return accumulator.digest(from, ops.digest(said.state));
    case "absent":
      return accumulator.absent(from);
    case "unreachable":
      return accumulator.unreachable(from);
    case "unknown":
      return accumulator.unknown(from, said.state, said.state === undefined ? 0n : ops.digest(said.state));
  }
}

/** Everything that can be seen of an accumulator. */
function seen(accumulator: GetAccumulator<number>): unknown {
  const { progress, received, outstanding, merged } = accumulator;
  const { state: repair, targets } = accumulator.repairPlan();
  const sorted = targets.toSorted((a, b) => (a.member < b.member ? -1 : 1));
  return {
    progress,
    received,
    outstanding,
    merged,
    toFetch: accumulator.toFetch().toSorted(),
    repair,
    targets: sorted,
  };
}

/** The same from the set of words alone, without any order: one word a member. */
function model(needed: number, asked: readonly string[], words: ReadonlyMap<string, Word>): unknown {
  const given = new Set<number>();
  for (const said of words.values()) {
    if ((said.kind === "state" || said.kind === "unknown") && said.state !== undefined) given.add(said.state);
  }
  const counts = (name: string): boolean => {
    const said = words.get(name);
    if (said?.kind === "state" || said?.kind === "absent") return true;
    return said?.kind === "digest" && given.has(said.state);
  };
  const received = asked.filter(counts).length;
  const outstanding = asked.filter((name) => !words.has(name)).length;
  const toFetch = asked.filter((name) => words.get(name)?.kind === "digest" && !counts(name));
  const merged = given.size === 0 ? undefined : [...given].reduce((a, b) => a | b);
  const possible = received + outstanding + toFetch.length >= needed;
  const progress = received >= needed ? "answer" : possible ? "waiting" : "impossible";
  const targets = asked.flatMap((member) => {
    const said = words.get(member);
    if (merged === undefined || said === undefined || said.kind === "unreachable") return [];
    const whole = asked.every((other) => other === member || counts(other));
    const same = "state" in said && said.state === merged;
    return !same || (said.kind === "unknown" && whole) ? [{ member, whole }] : [];
  });
  return { progress, received, outstanding, merged, toFetch, repair: merged, targets };
}

const scene = fc.record({
  size: fc.integer({ min: 1, max: 5 }),
  needed: fc.integer({ min: 1, max: 5 }),
  words: fc.array(fc.tuple(fc.constantFrom(...members, "stranger"), word), { maxLength: 12 }),
  turn: fc.infiniteStream(fc.nat()),
});

describe("a GET's accumulator", () => {
  it("is what a dumb count of the words says, in any order of the replies", () => {
    fc.assert(
      fc.property(scene, ({ size, needed, words, turn }) => {
        const asked = members.slice(0, size);
        const one = new Map(words.filter(([from]) => asked.includes(from)));
        const shuffled = [...one]
          .map((entry) => ({ entry, key: turn.next().value as number }))
          .sort((a, b) => a.key - b.key);
        const accumulator = new GetAccumulator(needed, asked, ops);
        for (const { entry } of shuffled) say(accumulator, ...entry);
        expect(seen(accumulator)).toEqual(model(needed, asked, one));
      }),
      runs,
    );
  });

  it("counts a member once, whatever it repeats, and nobody who was not asked", () => {
    fc.assert(
      fc.property(scene, ({ size, needed, words }) => {
        const asked = members.slice(0, size);
        const accumulator = new GetAccumulator(needed, asked, ops);
        const said = new Map<string, Word>();
        for (const [from, each] of words) {
          const before = seen(accumulator);
          const earlier = said.get(from);
          say(accumulator, from, each);
          const isNews =
            asked.includes(from) && (earlier === undefined || (earlier.kind === "digest" && each.kind !== "digest"));
          if (isNews) said.set(from, each);
          else expect(seen(accumulator)).toEqual(before);
        }
        expect(accumulator.received).toBeLessThanOrEqual(asked.length);
        expect(seen(accumulator)).toEqual(model(needed, asked, said));
      }),
      runs,
    );
  });

  it("never takes an error or a don't-know for absence", () => {
    const doubts: Word[] = [{ kind: "unreachable" }, { kind: "unknown", state: undefined }];
    for (const doubt of doubts) {
      const accumulator = new GetAccumulator(2, ["a", "b", "c"], ops);
      say(accumulator, "a", { kind: "absent" });
      say(accumulator, "b", doubt);
      say(accumulator, "c", doubt);
      expect(accumulator.progress).toBe("impossible");
    }
  });

  it("shows what a member in doubt holds, without counting it", () => {
    const accumulator = new GetAccumulator(2, ["a", "b", "c"], ops);
    say(accumulator, "a", { kind: "unknown", state: 4 });
    say(accumulator, "b", { kind: "state", state: 1 });
    expect(accumulator.progress).toBe("waiting");
    say(accumulator, "c", { kind: "absent" });
    expect([accumulator.progress, accumulator.merged]).toEqual(["answer", 5]);
  });

  it("calls a record whole only with the word of every other member", () => {
    const accumulator = new GetAccumulator(2, ["a", "b", "c"], ops);
    say(accumulator, "a", { kind: "unknown", state: undefined });
    say(accumulator, "b", { kind: "state", state: 1 });
    expect(accumulator.repairPlan().targets).toEqual([{ member: "a", whole: false }]);
    say(accumulator, "c", { kind: "state", state: 2 });
    expect(accumulator.repairPlan().targets).toEqual([
      { member: "a", whole: true },
      // Member a could not tell: for the others this is not all there is.
      { member: "b", whole: false },
      { member: "c", whole: false },
    ]);
  });
});

const putReply = fc.constantFrom<PutReply>("durable", "full", "failed", "refused", "unreachable");

describe("a PUT's accumulator", () => {
  it("is what a dumb count of first words says, in any order and with any repetition", () => {
    const replies = fc.array(fc.tuple(fc.constantFrom(...members, "stranger"), putReply), { maxLength: 15 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }), replies, (size, needed, said) => {
        const asked = members.slice(0, size);
        const accumulator = new PutAccumulator([{ needed, members: asked }]);
        const first = new Map<string, PutReply>();
        for (const [from, reply] of said) {
          if (asked.includes(from) && !first.has(from)) first.set(from, reply);
          const durable = [...first.values()].filter((each) => each === "durable").length;
          const possible = durable + asked.length - first.size >= needed;
          const expected = durable >= needed ? "done" : possible ? "waiting" : "impossible";
          expect(accumulator.reply(from, reply)).toBe(expected);
          expect([accumulator.received, accumulator.outstanding]).toEqual([durable, asked.length - first.size]);
        }
      }),
      runs,
    );
  });

  it("counts only what is durable", () => {
    const accumulator = new PutAccumulator([{ needed: 2, members: ["a", "b", "c"] }]);
    expect(accumulator.reply("a", "durable")).toBe("waiting");
    expect(accumulator.reply("b", "full")).toBe("waiting");
    expect(accumulator.reply("c", "refused")).toBe("impossible");
    expect(accumulator.count("full")).toBe(1);
  });
});

describe("a sloppy PUT (Dynamo §4.6)", () => {
  type Step =
    | { readonly do: "reply"; readonly from: string; readonly reply: PutReply }
    | { readonly do: "stand in"; readonly fallback: string; readonly owner: string }
    | { readonly do: "doubt"; readonly member: string };
  const anybody = fc.constantFrom(...members, "f", "g", "stranger");
  const steps: fc.Arbitrary<Step[]> = fc.array(
    fc.oneof(
      fc.record({ do: fc.constant("reply" as const), from: anybody, reply: putReply }),
      fc.record({ do: fc.constant("stand in" as const), fallback: anybody, owner: fc.constantFrom(...members) }),
      fc.record({ do: fc.constant("doubt" as const), member: anybody }),
    ),
    { maxLength: 25 },
  );
  const needs = fc.record({ one: fc.integer({ min: 1, max: 3 }), other: fc.integer({ min: 1, max: 3 }) });

  it("counts an owner and its stand-in once: the copy that was kept goes when the owner has it", () => {
    const accumulator = new PutAccumulator([{ needed: 3, members: ["a", "b", "c"] }]);
    accumulator.standIn("f", "c");
    for (const member of ["a", "f", "c"]) expect(accumulator.reply(member, "durable")).toBe("waiting");
    expect([accumulator.received, accumulator.fallbacks]).toEqual([2, 0]);
    expect(accumulator.reply("b", "durable")).toBe("done");
  });

  it("takes what a stand-in said as an owner of before for no word of the stand-in", () => {
    const accumulator = new PutAccumulator([{ needed: 3, members: ["a", "b", "c"] }]);
    for (const member of ["a", "b", "c"]) accumulator.reply(member, member === "b" ? "unreachable" : "durable");
    accumulator.follow([{ needed: 3, members: ["a", "b", "d"] }]);
    accumulator.reply("d", "durable");
    accumulator.standIn("c", "b");
    expect([accumulator.progress, accumulator.received]).toEqual(["waiting", 2]);
    expect(accumulator.reply("c", "durable")).toBe("done");
  });

  it("is what a dumb count says: a stand-in counts where its owner would, nobody twice, doubt changes no count", () => {
    fc.assert(
      fc.property(needs, steps, ({ one, other }, plan) => {
        // Two sets that overlap, as while a partition changes hands.
        const sets = [
          { needed: one, members: ["a", "b", "c"] },
          { needed: other, members: ["b", "c", "d"] },
        ];
        const accumulator = new PutAccumulator(sets);
        const owners = ["a", "b", "c", "d"];
        const speaks = new Map(owners.map((owner) => [owner, owner]));
        const said = new Map<string, PutReply>();
        const doubted = new Set<string>();
        for (const step of plan) {
          if (step.do === "stand in") {
            if (!speaks.has(step.fallback)) speaks.set(step.fallback, step.owner);
            accumulator.standIn(step.fallback, step.owner);
          } else if (step.do === "doubt") {
            doubted.add(step.member);
            accumulator.doubt(step.member);
          } else {
            if (speaks.has(step.from) && !said.has(step.from)) said.set(step.from, step.reply);
            accumulator.reply(step.from, step.reply);
          }
        }
        const tallies = sets.map(({ needed, members: set }) => {
          const speakersFor = (owner: string): string[] =>
            [...speaks].flatMap(([name, of]) => (of === owner ? [name] : []));
          const kept = set.filter((owner) => speakersFor(owner).some((name) => said.get(name) === "durable"));
          const isOpen = (owner: string): boolean => speakersFor(owner).some((name) => !said.has(name));
          const open = set.filter((owner) => !kept.includes(owner) && isOpen(owner)).length;
          const fallbacks = kept.filter((owner) => said.get(owner) !== "durable").length;
          return { needed, received: kept.length, fallbacks, possible: kept.length + open >= needed };
        });
        const isDone = tallies.every(({ needed, received }) => received >= needed);
        const isLost = tallies.some(({ possible }) => !possible);
        expect(accumulator.progress).toBe(isLost ? "impossible" : isDone ? "done" : "waiting");
        expect(tallies).toContainEqual(
          expect.objectContaining({ received: accumulator.received, fallbacks: accumulator.fallbacks }),
        );
        for (const owner of owners) {
          const speakers = [...speaks].filter(([, kept]) => kept === owner).map(([name]) => name);
          expect(accumulator.isKeptFor(owner)).toBe(speakers.some((name) => said.get(name) === "durable"));
          const isHoped = (name: string): boolean =>
            said.has(name) ? said.get(name) === "durable" : !doubted.has(name);
          expect(accumulator.isWanting(owner)).toBe(!speakers.some(isHoped));
        }
      }),
      runs,
    );
  });
});

describe("a sloppy GET (Dynamo §4.6)", () => {
  it("counts fallbacks, and takes their silence for no proof", () => {
    const accumulator = new GetAccumulator(2, ["a", "b", "c"], ops);
    for (const fallback of ["f", "g"]) accumulator.standIn(fallback);
    accumulator.absent("f");
    accumulator.absent("g");
    expect([accumulator.progress, accumulator.isUnproven]).toEqual(["waiting", true]);
    expect([accumulator.received, accumulator.fallbacks]).toEqual([2, 2]);
    say(accumulator, "a", { kind: "absent" });
    expect([accumulator.progress, accumulator.isUnproven]).toEqual(["answer", false]);
  });

  it("is impossible when all have spoken and no owner has", () => {
    const accumulator = new GetAccumulator(1, ["a"], ops);
    accumulator.standIn("f");
    accumulator.absent("f");
    accumulator.unreachable("a");
    expect([accumulator.progress, accumulator.isUnproven]).toEqual(["impossible", true]);
  });

  it("believes a fallback that holds something, and mends no fallback", () => {
    const accumulator = new GetAccumulator(2, ["a", "b", "c"], ops);
    for (const fallback of ["f", "g"]) accumulator.standIn(fallback);
    accumulator.state("f", 1, ops.digest(1));
    accumulator.absent("g");
    expect([accumulator.progress, accumulator.merged, accumulator.fallbacks]).toEqual(["answer", 1, 2]);
    say(accumulator, "a", { kind: "absent" });
    expect(accumulator.repairPlan()).toEqual({ state: 1, targets: [{ member: "a", whole: false }] });
  });

  it("wants another fallback while those who answered and those who may be counted on are not enough", () => {
    const accumulator = new GetAccumulator(2, ["a", "b", "c"], ops);
    expect(accumulator.isWanting).toBe(false);
    accumulator.doubt("b");
    expect(accumulator.isWanting).toBe(false);
    accumulator.unreachable("c");
    expect(accumulator.isWanting).toBe(true);
    accumulator.standIn("f");
    expect(accumulator.isWanting).toBe(false);
    accumulator.doubt("f");
    expect(accumulator.isWanting).toBe(true);
    // One who was given up counts all the same when it answers.
    say(accumulator, "b", { kind: "state", state: 1 });
    say(accumulator, "a", { kind: "state", state: 1 });
    expect(accumulator.progress).toBe("answer");
  });
});

describe("how many replies are needed", () => {
  it("makes any two majorities of m share a member", () => {
    for (let m = 1; m <= 64; m++) expect(2 * majority(m)).toBeGreaterThan(m);
  });

  it("counts members that are down, and turns words into numbers of the replicas there are", () => {
    expect(neededReplies("quorum", 3, 3)).toEqual({ kind: "needed", count: 2 });
    expect(neededReplies("quorum", 3, 2)).toEqual({ kind: "needed", count: 2 });
    expect(neededReplies("one", 3, 3)).toEqual({ kind: "needed", count: 1 });
    expect(neededReplies("all", 3, 2)).toEqual({ kind: "needed", count: 2 });
    expect(neededReplies(3, 3, 3)).toEqual({ kind: "needed", count: 3 });
  });

  it("tells a number that is wrong from one that this cluster cannot reach", () => {
    expect(neededReplies(4, 3, 3)).toEqual({ kind: "above-n" });
    expect(neededReplies(3, 3, 2)).toEqual({ kind: "impossible", count: 3 });
  });
});
