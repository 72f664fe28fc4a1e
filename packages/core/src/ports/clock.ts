/** Time, as the core sees it. In production Node's clocks, in the simulator a virtual one for each node. */

export interface Clock {
  /** Milliseconds that never go backwards; deadlines and intervals use this one. */
  monotonicMs(): number;
  /** Milliseconds since the epoch; may jump. Only the hybrid clock looks at it. */
  wallMs(): number;
  /** Calls `run` once after `delayMs`. The returned function cancels. */
  after(delayMs: number, run: () => void): () => void;
}
