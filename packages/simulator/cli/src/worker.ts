/** A worker thread of the simulation: takes seeds one by one, runs each and sends back what came of it. */
import { parentPort, workerData } from "node:worker_threads";
import { createPrimitives } from "@kvorum/client/internal";
import type { Plant } from "@kvorum/core";
import { drawScript, run, type RunConfig } from "@kvorum/simulator";

export interface WorkerSetup {
  readonly plants: readonly Plant[];
  /** What of the configuration no seed draws. */
  readonly given: Partial<RunConfig>;
}

const { plants, given } = workerData as WorkerSetup;
const primitives = await createPrimitives();
parentPort?.on("message", (seed: number) => {
  try {
    parentPort?.postMessage(run(drawScript(seed, given), { primitives, plants: new Set(plants) }));
  } catch (error) {
    // What the simulation itself throws is no finding; but whoever mends it wants to know the seed.
    throw new Error(`seed ${seed} broke the simulation`, { cause: error });
  }
});
