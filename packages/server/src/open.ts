/** `open`: a node inside a program's own process, alone with no port open, or as a member of a cluster (CONTRACT §5). */
import type { AnyResolver, ClientDefaults } from "@kvorum/client";
import { checkOptions } from "@kvorum/client/internal";
import { openConfigOf, type NodeOptions } from "./config/open-options.js";
import { EmbeddedKvorum } from "./doors/embedded/embedded.js";
import { runNode } from "./runtime/run-node.js";

/** The node's settings, and the defaults of its buckets. */
export interface OpenOptions extends NodeOptions, ClientDefaults {}

/**
 * Opens a data folder as a node in this process, and gives the same buckets as `connect`.
 * @throws ConfigError, DataFolderError, StorageError: for what an operator can mend, with one line that says how.
 */
export function open(options: OpenOptions & { readonly resolve: AnyResolver }): Promise<EmbeddedKvorum<true>>;
export function open(options: OpenOptions): Promise<EmbeddedKvorum>;
export async function open({ timeout, hedge, resolve, ...node }: OpenOptions): Promise<EmbeddedKvorum<boolean>> {
  // Before a node runs that nobody would end.
  checkOptions({ timeout, hedge, resolve });
  return new EmbeddedKvorum(await runNode(openConfigOf(node)), { timeout, hedge, resolve });
}
