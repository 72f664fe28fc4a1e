/** Looking changes nothing: `explain`, `status`, the ring, statistics and lists leave every disk as it was, and repair nothing. */
import type { Explanation, Outcome } from "@kvorum/core";
import { nameOf } from "../history.js";
import type { Bench, Checker } from "./checker.js";
import type { FinalKey, Finals } from "./finals.js";

const KEYS_EXPLAINED = 8;
const REPAIRS_TRAVEL_MS = 100;
const CALM_MS = 300;
const CALM_LOOKS_MAX = 20;
const ANSWER_MS = 2_000;

export function observation(bench: Bench): Checker {
  return { end: (finals) => look(bench, finals) };
}

function look(bench: Bench, { keys }: Finals): void {
  const { world } = bench;
  const explained = explainable(keys);
  const before = calmContents(bench, explained);
  const repairs = repairsOf(bench);
  lookThrough(bench, explained);
  world.run(REPAIRS_TRAVEL_MS);
  if (repairsOf(bench) !== repairs) bench.report("looking-changes-nothing", "explain or status made somebody repair");
  const after = contents(bench, explained);
  for (const [place, bytes] of before) {
    if (after.get(place) !== bytes) bench.report("looking-changes-nothing", `${place} is not what it was`);
  }
}

/** A few keys all over the list, of which nothing is to be reaped: that goes on by itself. */
function explainable(keys: readonly FinalKey[]): readonly FinalKey[] {
  const standing = keys.filter(({ union, operations }) => {
    const isEnding = operations.some(({ ttlSeconds }) => ttlSeconds !== undefined);
    return union.length > 0 && !isEnding && union.every(({ deleted }) => !deleted);
  });
  const step = Math.max(1, Math.floor(standing.length / KEYS_EXPLAINED));
  return standing.filter((_, i) => i % step === 0);
}

/** What lies on the owners' disks once it has not changed for a while: healers may still be at work, and that is not the looking's doing. */
function calmContents(bench: Bench, keys: readonly FinalKey[]): Map<string, Uint8Array | undefined> {
  let last = contents(bench, keys);
  for (let i = 0; i < CALM_LOOKS_MAX; i++) {
    bench.world.run(CALM_MS);
    const now = contents(bench, keys);
    if ([...now].every(([place, bytes]) => last.get(place) === bytes)) return now;
    last = now;
  }
  return last;
}

/** Each member answers one question after the other, since members shed what is too much at once; all of them at the same time. */
function lookThrough(bench: Bench, keys: readonly FinalKey[]): void {
  const { world } = bench;
  let looking = 0;
  for (const name of world.standing) {
    const node = world.node(name);
    if (node === undefined) continue;
    looking++;
    const next = (at: number): void => {
      const asked = keys[at];
      if (asked === undefined) {
        node.listConflicts({ limit: 100 }, ANSWER_MS, () => looking--);
        return;
      }
      const { bucket, key } = asked;
      node.explain(world.keyOf(bucket, key).id, ANSWER_MS, (outcome) => {
        checkExplanation(bench, `${name} on ${nameOf({ bucket, key })}`, outcome);
        next(at + 1);
      });
    };
    next(0);
    node.cluster();
    node.ringView();
    node.stats();
  }
  const everyQuestionMs = ANSWER_MS * (keys.length + 1);
  if (!world.until(() => looking === 0, everyQuestionMs * 2)) bench.report("explain-answers", "somebody still looks");
}

function checkExplanation(bench: Bench, where: string, outcome: Outcome<Explanation>): void {
  if (!outcome.ok) return bench.report("explain-answers", `${where}: ${outcome.failure.code}`);
  const { agree, replicas } = outcome.value;
  // Known gap: where no owner holds anything, nothing mends a damaged record (convergence.ts).
  const isHeld = replicas.some(({ digest }) => digest !== null);
  // Nor can a sole owner's be mended by anybody.
  if (agree || !bench.heals || !isHeld || replicas.length < 2) return;
  const said = replicas.map(({ node, reply, digest }) => `${node} ${reply} ${digest}`).join(", ");
  bench.report("explain-shows-what-is", `${where} shows replicas that disagree: ${said}`);
}

/** The very bytes objects on the owners' disks: nothing was written, not even the same again. */
function contents({ world, lens }: Bench, keys: readonly FinalKey[]): Map<string, Uint8Array | undefined> {
  const stored = new Map<string, Uint8Array | undefined>();
  for (const { bucket, key } of keys) {
    for (const owner of lens.owners(bucket, key)) {
      stored.set(`${nameOf({ bucket, key })} on ${owner}`, world.stored(owner, bucket, key));
    }
  }
  return stored;
}

function repairsOf({ world }: Bench): number {
  return world.names.reduce((sum, name) => sum + (world.node(name)?.stats().readRepairs ?? 0), 0);
}
