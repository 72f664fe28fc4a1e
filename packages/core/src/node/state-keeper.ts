/** Merges many states that came from another owner into what is held here, and says what each became. */
import type { NamedState } from "../wire/exchange-messages.js";
import type { NodeContext } from "./context.js";
import type { StoredStatus } from "./replica.js";

export interface StateKept {
  readonly given: NamedState;
  readonly status: StoredStatus;
  /** What lies there now: the given body itself where nothing else was there. */
  readonly body: Uint8Array;
  /** It is another state than before. */
  readonly changed: boolean;
}

/** `refused`: not of a partition that this node owns, or no state at all. `done` comes when all of them are on disk, or known not to be. */
export function keepStates(
  node: NodeContext,
  states: readonly NamedState[],
  done: (kept: readonly StateKept[]) => void,
): void {
  const outcomes: StateKept[] = [];
  let waiting = 1;
  const one = (outcome?: StateKept): void => {
    if (outcome !== undefined) outcomes.push(outcome);
    if (--waiting === 0) done(outcomes);
  };
  for (const given of states) {
    waiting++;
    const key = node.keyOfId(given.id);
    const arrived = node.ownsPartition(key.partition) ? node.states.receive(given.body) : undefined;
    if (arrived === undefined) {
      one({ given, status: "refused", body: given.body, changed: false });
    } else if (node.plants.has("exchange-copies")) {
      const copy = { body: arrived.body, inDoubt: false, lifetime: undefined };
      node.replica.modify(
        key,
        () => copy,
        (status) => one({ given, status, body: copy.body, changed: true }),
      );
    } else {
      node.replica.merge(key, arrived, false, (status, { body, changed }) => {
        one({ given, status, body, changed: changed && status === "durable" });
      });
    }
  }
  one();
}
