/** A worker thread of the simulation: takes seeds one by one, runs each and sends back what came of it. */
import { parentPort, workerData } from "node:worker_threads";
import { createPrimitives } from "@kvorum/client/internal";
import type { Plant } from "@kvorum/core";
import { drawScript, run } from "@kvorum/simulator";

export interface WorkerSetup {
  readonly plants: readonly Plant[];
}

const { plants } = workerData as WorkerSetup;
const primitives = await createPrimitives();
parentPort?.on("message", (seed: number) => {
  try {
    parentPort?.postMessage(run(drawScript(seed), { primitives, plants: new Set(plants) }));
  } catch (error) {
    // What the simulation itself throws is no finding; but whoever mends it wants to know the seed.
    throw new Error(`seed ${seed} broke the simulation`, { cause: error });
  }
});
