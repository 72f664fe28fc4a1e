/** Read repair mends what is read: so every key is read through all of its replicas, round by round, until they are equal. */
import type { GetCommand } from "@kvorum/core";
import type { Operation } from "../history.js";
import type { Drive, HealStage } from "./drive.js";
import { isEqual } from "./equality.js";

const READS_AT_ONCE = 8;
const READ_MS = 2_000;
/** Repairs travel after the answer; then the replicas are compared. */
const REPAIRS_TRAVEL_MS = 150;
const ROUNDS_MAX = 8;

export const readRepair: Drive = {
  makesEqual: true,
  begin: (stage, done) => {
    const keys = [...stage.history.keys.values()].map(([first]) => first).filter((first) => first !== undefined);
    readRound(stage, keys, 1, done);
  },
};

function readRound(stage: HealStage, keys: readonly Operation[], round: number, done: () => void): void {
  const queue = [...keys];
  let running = 0;
  const next = (): void => {
    const key = queue.pop();
    if (key !== undefined) {
      running++;
      return readAll(stage, key, round, () => {
        running--;
        next();
      });
    }
    if (running === 0) stage.world.after(REPAIRS_TRAVEL_MS, () => readAgain(stage, keys, round, done));
  };
  for (let i = 0; i < READS_AT_ONCE; i++) if (queue.length > 0 || i === 0) next();
}

function readAgain(stage: HealStage, keys: readonly Operation[], round: number, done: () => void): void {
  const unequal = keys.filter((key) => !isEqual(stage, key));
  if (unequal.length === 0 || round >= ROUNDS_MAX) done();
  else readRound(stage, unequal, round + 1, done);
}

function readAll(stage: HealStage, { bucket, key }: Operation, round: number, done: () => void): void {
  const node = stage.nodeAt(round);
  if (node === undefined) return done();
  const id = stage.world.keyOf(bucket, key).id;
  const command: GetCommand = { kind: "get", id, r: "all", sloppy: false, local: false, hops: 0 };
  stage.world.request("mender", node, command, READ_MS, done);
}
