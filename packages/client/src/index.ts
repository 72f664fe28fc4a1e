/** The Kvorum client, and the pieces of the peer protocol on Node that the server shares with it. */
export * from "./frame-connection.js";
export * from "./primitives.js";
export * from "./slab-pool.js";
export * from "./system-clock.js";
