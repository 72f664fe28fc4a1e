/** Where an instance lived before, the original of a copied folder may live still (TRAPS 3). */
import type { Clock } from "../ports/clock.js";
import type { Callee, Calls } from "./calls.js";

const WAIT_MS = 1_000;

/**
 * Greets whoever is at the former address, then goes on, once. An original refuses the copy (refusals.ts) before anybody else hears of it and
 * takes the two for one; nobody there, or somebody else, is no reason to wait.
 */
export function greetFormer(calls: Calls, clock: Clock, former: Callee, goOn: () => void): void {
  let isOver = false;
  const proceed = (): void => {
    if (isOver) return;
    isOver = true;
    goOn();
  };
  const requestId = calls.ask(former, { kind: "ring" }, WAIT_MS, proceed);
  clock.after(WAIT_MS, () => {
    calls.abandon(requestId);
    proceed();
  });
}
