/** How a run's end relies on a healer: what must be asked of it, if anything, until it has mended what it can. One file of this folder for each. */
import type { History } from "../history.js";
import type { Lens } from "../lens.js";
import type { World } from "../world/world.js";

/** What a drive may use: it acts through the world as an operator or a client would. */
export interface HealStage {
  readonly world: World;
  readonly history: History;
  readonly lens: Lens;
  /** The member at a place in the list, or the next one that is up; undefined while none is. */
  nodeAt(place: number): string | undefined;
}

export interface Drive {
  /** Alone, without any other healer, it makes all replicas of all keys equal in the end. */
  readonly makesEqual: boolean;
  /** Returns at once; `done` comes once, when it has mended what it can. A bound of virtual time stands over it: the runner's. */
  begin(stage: HealStage, done: () => void): void;
}
