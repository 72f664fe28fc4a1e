/** The pure core of Kvorum: the six steps of Dynamo as six rooms, the ports around them, and the node that introduces them. */
export * from "./base/assert.js";
export * from "./base/bytes.js";
export * from "./base/failure.js";
export * from "./base/hlc.js";
export * from "./base/key-id.js";
export * from "./base/limits.js";
export * from "./base/names.js";
export type * from "./base/primitives.js";
export * from "./base/quorum-arg.js";
export * from "./base/rng.js";
export type * from "./ports/clock.js";
export type * from "./ports/network.js";
export * from "./ports/storage.js";
export type * from "./node/api.js";
export * from "./wire/frame.js";
export * from "./wire/message-codecs.js";
export type * from "./wire/messages.js";
