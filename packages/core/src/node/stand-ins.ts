/** Who stands in for owners of one request: the next healthy members after them, each asked once (Dynamo §4.6, "the first N healthy nodes"). */
import { limits } from "../base/limits.js";
import type { NodeContext } from "./context.js";
import { fallbacksNow } from "./placement.js";

export class StandIns {
  /** Found when the first is asked for: most requests need none. */
  #rest: string[] | undefined;

  constructor(
    readonly node: NodeContext,
    readonly partition: number,
    readonly sloppy: boolean,
  ) {}

  get isAllowed(): boolean {
    return this.sloppy && this.node.settings.hints;
  }

  /** The next one to ask; undefined when there is none, or none may be asked. This node asks itself first, and is not among them. */
  next(): string | undefined {
    if (!this.isAllowed) return undefined;
    this.#rest ??= healthyFallbacks(this.node, this.partition);
    return this.#rest.shift();
  }
}

/**
 * The next healthy members after the owners, in order and not without end; without this node. Those that are only suspected come last: a member
 * that is slow for a moment may be the one path to enough disks.
 */
export function healthyFallbacks(node: NodeContext, partition: number): string[] {
  const healthy: string[] = [];
  const suspected: string[] = [];
  for (const name of fallbacksNow(node, partition)) {
    if (healthy.length >= limits.standInsMax) break;
    const status = name === node.self ? "down" : node.membership.status(name);
    if (status === "up") healthy.push(name);
    else if (status === "suspect") suspected.push(name);
  }
  return [...healthy, ...suspected].slice(0, limits.standInsMax);
}
