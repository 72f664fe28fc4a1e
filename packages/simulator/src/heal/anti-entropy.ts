/** Anti-entropy needs no asking: it is only waited for. What is damaged and unread is looked at once, as a node's scrub would in its own long time. */
import type { GetCommand } from "@kvorum/core";
import type { Operation } from "../history.js";
import type { Drive, HealStage } from "./drive.js";
import { isEqual } from "./equality.js";

const LOOK_MS = 250;
const READ_MS = 2_000;
const READS_AT_ONCE = 4;
/** Many rounds of the interval that members have in a simulated world. */
const PATIENCE_MS = 60_000;

export const antiEntropy: Drive = {
  makesEqual: true,
  begin: (stage, done) => {
    const keys = [...stage.history.keys.values()].map(([first]) => first).filter((first) => first !== undefined);
    readLocally(stage, keys, () => waitForEqual(stage, keys, stage.world.nowMs + PATIENCE_MS, done));
  },
};

function waitForEqual(stage: HealStage, keys: readonly Operation[], untilMs: number, done: () => void): void {
  const unequal = keys.filter((key) => !isEqual(stage, key));
  if (unequal.length === 0 || stage.world.nowMs >= untilMs) return done();
  stage.world.after(LOOK_MS, () => waitForEqual(stage, unequal, untilMs, done));
}

/** From each owner's own store, some at once: nothing is asked of others, and nothing repaired by asking. */
function readLocally({ world, lens }: HealStage, keys: readonly Operation[], done: () => void): void {
  const reads = keys.flatMap(({ bucket, key }) => lens.owners(bucket, key).map((owner) => ({ owner, bucket, key })));
  let running = 0;
  const next = (): void => {
    const read = reads.pop();
    if (read === undefined) {
      if (running === 0) done();
      return;
    }
    running++;
    const { id } = world.keyOf(read.bucket, read.key);
    const command: GetCommand = { kind: "get", id, r: undefined, sloppy: false, local: true, hops: 0 };
    world.request("scrubber", read.owner, command, READ_MS, () => {
      running--;
      next();
    });
  };
  for (let i = 0; i < READS_AT_ONCE; i++) if (reads.length > 0 || i === 0) next();
}
