/** Scenarios by name, and how one is played: without plants it must pass, with one that it `finds` it must not. */
import type { Violation } from "../run/result.js";
import type { WorldShape } from "../world/shape.js";
import type { Plant } from "@kvorum/core";
import { Scene, WaitedInVain, type SceneOptions } from "./scene.js";

export interface Scenario {
  /** A sentence: what must hold. */
  readonly name: string;
  /** Planted bugs that it must see. */
  readonly finds: readonly Plant[];
  readonly shape?: Partial<WorldShape>;
  readonly play: (scene: Scene) => void;
}

export function play(scenario: Scenario, options: Omit<SceneOptions, "shape">): readonly Violation[] {
  const scene = new Scene({ ...options, ...(scenario.shape && { shape: scenario.shape }) });
  try {
    scenario.play(scene);
    return scene.verdict();
  } catch (error) {
    if (!(error instanceof WaitedInVain)) throw error;
    return [{ invariant: "comes-to-rest", what: error.message }];
  }
}
