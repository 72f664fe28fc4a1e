/** Damaged records need no asking: every member mends its own from the other owners. The end of a run waits for it: what is still being mended is not healed. */
import type { History } from "../history.js";
import type { Lens } from "../lens.js";
import type { World } from "../world/world.js";
import type { HealStage } from "./drive.js";

const LOOK_MS = 200;
/** Longer than the longest pause that a record's tries have come to in a run. */
const WAIT_MS = 60_000;

export function waitForRecords(stage: HealStage, done: () => void): void {
  look(stage, stage.world.nowMs + WAIT_MS, done);
}

function look(stage: HealStage, untilMs: number, done: () => void): void {
  const { world } = stage;
  const isHealing = world.standing.some((name) => recordsToMend(stage, name) > 0);
  if (!isHealing || world.nowMs >= untilMs) return done();
  world.after(LOOK_MS, () => look(stage, untilMs, done));
}

/** How many records a member is still mending, without those that nobody can mend. */
export function recordsToMend(
  { world, lens, history }: { readonly world: World; readonly lens: Lens; readonly history: History },
  name: string,
): number {
  const healing = world.node(name)?.healing ?? 0;
  if (healing === 0) return 0;
  const keys = [...history.keys.values()].flatMap(([first]) => first ?? []);
  const beyondHelp = keys.filter(({ bucket, key }) => {
    const isMine = lens.owners(bucket, key).includes(name);
    return isMine && isHurt(lens, name, bucket, key) && lens.hasOneOwner(bucket, key);
  });
  return healing - beyondHelp.length;
}

function isHurt(lens: Lens, name: string, bucket: string, key: string): boolean {
  return lens.isUnreadable(name, bucket, key) || lens.stored(name, bucket, key)?.inDoubt === true;
}
