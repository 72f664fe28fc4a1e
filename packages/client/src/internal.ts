/**
 * What the other packages of Kvorum share with this one: the pieces of the peer protocol on Node, and the client in bytes. Not for users:
 * it follows no version but the one it is released with.
 */
export { checkOptions } from "./buckets/option-check.js";
export type { ClientOptions } from "./client-session.js";
export * from "./errors.js";
export * from "./frame-connection.js";
export { Kvorum, stackOver } from "./kvorum.js";
export * from "./primitives.js";
export * from "./raw-client.js";
export type { QuorumReport, ReadResult, Sibling } from "./read-result.js";
export type * from "./request-options.js";
export type { RingCache } from "./ring-cache.js";
export * from "./slab-pool.js";
export * from "./system-clock.js";
export { NodeTransport, type NodeTransportOptions } from "./transports/node-transport.js";
