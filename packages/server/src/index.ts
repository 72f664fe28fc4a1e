/**
 * Kvorum in your own process: `open` a data folder and use the buckets of the client, which this package brings along.
 * @packageDocumentation
 */
export * from "@kvorum/client";
export { ConfigError } from "./config/config-error.js";
export type { NodeOptions } from "./config/open-options.js";
export { DataFolderError } from "./data-folder/errors.js";
export { EmbeddedKvorum } from "./doors/embedded/embedded.js";
export { open, type OpenOptions } from "./open.js";
export { StorageError } from "./runtime/storage-error.js";
