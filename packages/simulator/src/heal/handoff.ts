/** Hints need no asking: the members hand them over by themselves, and the end of a run waits for that, within a bound. */
import type { Drive, HealStage } from "./drive.js";

const LOOK_MS = 200;
/** A write whose owner does not answer owes it a hint only when its time is up, after its client was told "done" perhaps. */
const WRITES_END_MS = 2_500;
/** Longer than the longest pause between two tries of one hint. What is left then is for the checkers to see. */
const WAIT_MS = 60_000;

export const handoff: Drive = {
  // What was missed with nobody knowing (a coordinator died before it owed) is for others.
  makesEqual: false,
  begin: (stage, done) => {
    stage.world.after(WRITES_END_MS, () => look(stage, stage.world.nowMs + WAIT_MS, done));
  },
};

function look(stage: HealStage, untilMs: number, done: () => void): void {
  const { world } = stage;
  const owing = world.standing.some((name) => (world.node(name)?.hints.queue.count ?? 1) > 0);
  if (!owing || world.nowMs >= untilMs) return done();
  world.after(LOOK_MS, () => look(stage, untilMs, done));
}
