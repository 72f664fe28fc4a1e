/** The deterministic simulation of Kvorum: worlds, runs, checkers, for the command line, tests and one day a page. */
export * from "./check/judge.js";
export * from "./history.js";
export * from "./regression.js";
export * from "./run/config.js";
export * from "./run/plan.js";
export type * from "./run/result.js";
export * from "./run/runner.js";
export * from "./run/script.js";
export * from "./scenarios/all.js";
export * from "./scenarios/scenario.js";
export * from "./scenarios/scene.js";
export * from "./shrink.js";
export * from "./story.js";
export * from "./workload/clients.js";
export * from "./workload/workload.js";
export * from "./world/shape.js";
export * from "./world/simulated-world.js";
export type * from "./world/world.js";
