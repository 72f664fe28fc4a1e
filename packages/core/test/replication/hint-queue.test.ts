/** The queue of hints is a set of duties: nothing but their fulfilment makes it smaller (DESIGN §5; TRAPS 18, 19). */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeHint, encodeHint, hintName, placeOfHint, type Hint } from "../../src/replication/hint.js";
import { HintQueue, type QueuedHint } from "../../src/replication/hint-queue.js";
import { count } from "../counts.js";
import { testPrimitives } from "../primitives.js";

const runs = { numRuns: count(300, 10_000) };

const hintOf = (key: number, instance: number, bytes = 10, sinceMs = 1): Hint => ({
  target: { name: `n${instance}`, instance },
  partition: key % 64,
  id: Uint8Array.of(key),
  digest: 1n,
  bytes,
  sinceMs,
  isGuest: true,
});

/** Few hashes, so that keys collide. */
const hashOf = (key: number): bigint => BigInt(key % 2);

type Step =
  | { readonly do: "take"; readonly key: number; readonly instance: number; readonly bytes: number }
  | { readonly do: "drop" | "put back"; readonly which: number }
  | { readonly do: "restart" };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constant("take" as const),
      key: fc.nat(5),
      instance: fc.integer({ min: 1, max: 3 }),
      bytes: fc.integer({ min: 1, max: 40 }),
    }),
    fc.record({ do: fc.constantFrom("drop" as const, "put back" as const), which: fc.nat(50) }),
    fc.record({ do: fc.constant("restart" as const) }),
  ),
  { maxLength: 40 },
);

/** A duty is taken on, or the standing one of a key ends; the disk has room for that batch, or none. Batches end in their order, some time later. */
const batches = fc.array(
  fc.record({
    do: fc.constantFrom("take" as const, "take" as const, "end" as const, "wait" as const),
    key: fc.nat(2),
    fits: fc.boolean(),
  }),
  { maxLength: 30 },
);

describe("the queue of hints", () => {
  it("loses none that lies on the disk, whichever batches find no space", () => {
    fc.assert(
      fc.property(batches, (plan) => {
        const queue = new HintQueue({ hintsMax: 100, bytesMax: 10_000 });
        const disk = new Set<string>();
        const underWay: (() => void)[] = [];
        const standing = new Map<number, QueuedHint>();
        const stands = (hint: QueuedHint | undefined): hint is QueuedHint => hint !== undefined && queue.stands(hint);
        for (const { do: step, key, fits } of plan) {
          if (step === "wait") underWay.shift()?.();
          else if (step === "take") {
            const hint = queue.take(BigInt(key), hintOf(key, 1)) as QueuedHint;
            standing.set(key, hint);
            underWay.push(() => {
              if (fits) queue.kept(hint);
              else queue.undo(hint);
              if (fits) disk.add(hint.name);
            });
          } else {
            const hint = standing.get(key);
            if (!stands(hint)) continue;
            queue.drop(hint);
            underWay.push(() => {
              if (fits) disk.delete(hint.name);
              else queue.putBack(hint);
              if (fits) queue.over(hint);
            });
          }
        }
        for (const end of underWay) end();
        const kept = new Set([...queue.for(1)].map(({ name }) => name));
        expect([...disk].filter((name) => !kept.has(name))).toEqual([]);
        expect(queue.count).toBe(kept.size);
        const hasFailedToEnd = plan.some(({ do: step, fits }) => step === "end" && !fits);
        if (!hasFailedToEnd) expect(kept).toEqual(disk);
      }),
      runs,
    );
  });

  it("is what a dumb map says, within its bounds, whatever is taken, renewed, dropped and put back", () => {
    fc.assert(
      fc.property(steps, (plan) => {
        const limits = { hintsMax: 8, bytesMax: 200 };
        let queue = new HintQueue(limits);
        const model = new Map<string, QueuedHint>();
        const made: QueuedHint[] = [];
        const bytesOf = (): number => [...model.values()].reduce((sum, { bytes }) => sum + bytes, 0);
        plan.forEach((step, now) => {
          if (step.do === "take") {
            const { key, instance, bytes } = step;
            const name = `${key}/${instance}`;
            const known = model.get(name);
            const taken = queue.take(hashOf(key), hintOf(key, instance, bytes, now));
            const fits = model.size < limits.hintsMax && bytesOf() + bytes <= limits.bytesMax;
            // What is owed already may always be renewed: the bounds refuse new duties only.
            expect(taken !== undefined).toBe(known !== undefined || fits);
            if (taken === undefined) return;
            expect(taken.sinceMs).toBe(known?.sinceMs ?? now);
            model.set(name, taken);
            made.push(taken);
          } else if (step.do === "restart") {
            queue = new HintQueue(limits);
            queue.restore([...model.values()]);
          } else {
            const hint = made[step.which % Math.max(1, made.length)];
            if (hint === undefined) return;
            const name = `${hint.id[0]}/${hint.target.instance}`;
            if (step.do === "drop") {
              expect(queue.stands(hint)).toBe(model.get(name) === hint);
              queue.drop(hint);
              if (model.get(name) === hint) model.delete(name);
            } else {
              const isFree = ![...model.values()].some((other) => other.name === hint.name);
              queue.putBack(hint);
              if (isFree) model.set(name, hint);
            }
          }
          expect([queue.count, queue.bytes]).toEqual([model.size, bytesOf()]);
          const kept = queue.targets.flatMap(({ instance }) => [...queue.for(instance)]);
          expect(new Set(kept)).toEqual(new Set(model.values()));
          for (const hint of kept) {
            const others = [...model.values()].some(
              ({ id, target }) => id[0] === hint.id[0] && target.instance !== hint.target.instance,
            );
            expect(queue.isKeptForOthers(hashOf(hint.id[0] as number), hint)).toBe(others);
          }
        });
      }),
      runs,
    );
  });

  it("hands out the oldest first, after a restart too, and knows how old that is", () => {
    const queue = new HintQueue({ hintsMax: 10, bytesMax: 1_000 });
    const found = [5, 3, 4].map((sinceMs) => ({ ...hintOf(sinceMs, 1, 10, sinceMs), name: `hint/${sinceMs}/0` }));
    queue.restore(found);
    expect([...queue.for(1)].map(({ sinceMs }) => sinceMs)).toEqual([3, 4, 5]);
    expect(queue.oldestSinceMs).toBe(3);
    expect(new HintQueue({ hintsMax: 1, bytesMax: 1 }).oldestSinceMs).toBe(undefined);
  });
});

describe("a hint on disk", () => {
  const hint = { ...hintOf(7, 0xabcdef, 99, 1_700_000_000_000), digest: 0xffff_ffff_ffff_fff0n };
  const name = hintName(7, 0x0123_4567_89ab_cdefn, 0xabcdef, 2);

  it("comes back as it was, under its own name alone, and never from damaged bytes", () => {
    const value = encodeHint(testPrimitives, name, hint);
    expect(decodeHint(testPrimitives, name, value)).toEqual(hint);
    expect(decodeHint(testPrimitives, `${name}1`, value)).toBe(undefined);
    for (let at = 0; at < value.length; at++) {
      const damaged = value.slice();
      damaged[at] = (damaged[at] as number) ^ 0x10;
      expect(decodeHint(testPrimitives, name, damaged)).toBe(undefined);
    }
  });

  it("says in its name where the state lies and for whom it is", () => {
    expect(name).toBe("hint/0007/0123456789abcdef/000000abcdef/2");
    expect(placeOfHint(name)).toEqual({ partition: 7, hash: 0x0123_4567_89ab_cdefn, instance: 0xabcdef });
    expect(placeOfHint("hint/7")).toBe(undefined);
  });
});
