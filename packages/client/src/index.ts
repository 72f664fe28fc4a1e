/**
 * The Kvorum client: typed buckets over a cluster, straight to a key's replicas, with resolvers for its conflicts.
 * @packageDocumentation
 */
export { Bucket, type Entry, type GetOutcome, type PutOutcome } from "./buckets/bucket.js";
export type { Resolved, Siblings } from "./buckets/found.js";
export type { Conflict } from "./buckets/lists.js";
export type {
  BucketDefaults,
  BucketOptions,
  CallOptions,
  ClientDefaults,
  KeysOptions,
  PutOptions,
  ReadOptions,
  ResolveOptions,
  UpdateOptions,
  WriteOptions,
} from "./buckets/options.js";
export type { Codec, StoredForm } from "./codecs/codec.js";
export { bytes, json, msgpack, text } from "./codecs/codecs.js";
export { SchemaIssues, type SchemaOptions } from "./codecs/schema.js";
export {
  ClosedError,
  ConflictError,
  KvorumError,
  OverloadedError,
  QuorumNotMetError,
  ResolverError,
  TimeoutError,
  UnreachableError,
  ValidationError,
  type KeyTrouble,
  type KvorumErrorCode,
  type KvorumErrorDetails,
} from "./errors.js";
export { connect, Kvorum, type ConnectOptions } from "./kvorum.js";
export type { QuorumReport, Sibling } from "./read-result.js";
export { counter, type Counter } from "./resolvers/counter.js";
export type { FieldRules, FieldsOptions } from "./resolvers/fields.js";
export { Undecided, type AnyResolver, type Resolver } from "./resolvers/resolver.js";
export { resolvers, type Ordered } from "./resolvers/resolvers.js";
export { union } from "./resolvers/union.js";
export { REQUEST_CHANNEL, type RequestTrace } from "./transports/trace.js";
export type { BucketChange, BucketConfig, QuorumArg } from "@kvorum/core";
