/** The shape of a route: a method, a path, the name it is measured under, and what to do. door.ts serves them, openapi.ts describes them. */
import type { Exchange } from "./exchange.js";
import type { Operation } from "./metrics.js";
import type { Target } from "./target.js";

export type Method = "GET" | "PUT" | "DELETE" | "POST";

export interface Route {
  /** A GET takes HEAD too. */
  readonly method: Method;
  /** With `:name` for the pieces that vary. */
  readonly path: string;
  /** Undefined: not measured. */
  readonly operation: Operation | undefined;
  handle(exchange: Exchange, target: Target): void;
}

/** The methods that some route takes at this path, HEAD included; none when there is no such path. */
export function methodsAt(routes: readonly Route[], path: readonly string[]): readonly string[] {
  const methods = new Set<string>();
  for (const route of routes) {
    if (!matches(route.path.split("/"), path)) continue;
    methods.add(route.method);
    if (route.method === "GET") methods.add("HEAD");
  }
  return [...methods].sort();
}

function matches(pattern: readonly string[], path: readonly string[]): boolean {
  return pattern.length === path.length && pattern.every((piece, at) => piece.startsWith(":") || piece === path[at]);
}
