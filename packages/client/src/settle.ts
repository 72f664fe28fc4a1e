/** How a call's promise is settled: by the call, by an abort, or by whichever of two members answers first (hedging; Dean and Barroso 2013). */
import type { Asked, Call } from "./call.js";
import type { Member } from "./member.js";

export interface Settle<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

/** What a hedged call needs of its client. */
export interface Starter {
  nowMs(): number;
  after(delayMs: number, run: () => void): () => void;
  start<T>(asked: Asked<T>, settle: Settle<T>, tried?: readonly Member[]): Call<T>;
}

/** Lets `signal` end the wait with its reason, through `stop`, which need not be there yet; and lets go of the signal when it is over. */
export function abortable<T>(
  signal: AbortSignal,
  { resolve, reject }: Settle<T>,
  stop: () => (reason: unknown) => void,
): Settle<T> {
  const abort = (): void => stop()(signal.reason);
  signal.addEventListener("abort", abort);
  const settled =
    <A>(settle: (argument: A) => void) =>
    (argument: A): void => {
      signal.removeEventListener("abort", abort);
      settle(argument);
    };
  return { resolve: settled(resolve), reject: settled(reject) };
}

/** Asks a second member when the first has not answered after `hedgeMs`. The first answer counts; a failure only when no other attempt is left. */
export function startHedged<T>(
  starter: Starter,
  asked: Asked<T>,
  hedgeMs: number,
  { resolve, reject }: Settle<T>,
): (reason: unknown) => void {
  const startedMs = starter.nowMs();
  const calls: Call<T>[] = [];
  let open = 0;
  let settled = false;
  const finish = (): void => {
    settled = true;
    cancel();
  };
  const each: Settle<T> = {
    resolve: (value) => {
      if (settled) return;
      finish();
      resolve(value);
    },
    reject: (reason) => {
      open--;
      if (settled || open > 0) return;
      finish();
      reject(reason);
    },
  };
  const begin = (leftMs: number, tried: readonly Member[]): void => {
    open++;
    calls.push(starter.start({ ...asked, timeoutMs: leftMs }, each, tried));
  };
  const cancel = starter.after(hedgeMs, () => {
    const leftMs = asked.timeoutMs - (starter.nowMs() - startedMs);
    const first = calls[0]?.member;
    if (settled || leftMs < 1 || first === undefined) return;
    if (asked.trace !== undefined) asked.trace.hedged = true;
    begin(leftMs, [first]);
  });
  begin(asked.timeoutMs, []);
  return (reason) => {
    if (settled) return;
    finish();
    reject(reason);
  };
}
