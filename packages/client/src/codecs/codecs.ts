/** The codecs that come with the client: json, text, bytes, msgpack. Each with or without a schema where values have a shape. */
import { decode as msgpackDecode, encode as msgpackEncode } from "@msgpack/msgpack";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Codec } from "./codec.js";
import { isSchema, withSchema, type SchemaOptions } from "./schema.js";

/** Half a character: UTF-8 has no form for it, and writing another in its place would change the value. */
const LONE_SURROGATE = /\p{Surrogate}/u;
const strictText = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** `Buffer` writes into memory that is there already; `TextEncoder` allocates anew each time and took twice as long (measured on 1 KiB). */
function utf8(text: string): Uint8Array {
  const bytes = Buffer.from(text, "utf8");
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

const anyJson: Codec<unknown> = {
  contentType: "application/json",
  readsInPlace: true,
  encode(value) {
    const text = JSON.stringify(value) as string | undefined;
    if (text === undefined) throw new TypeError(`${typeof value} has no JSON`);
    return utf8(text);
  },
  decode: (bytes) => JSON.parse(strictText.decode(bytes)) as unknown,
};

const anyMsgpack: Codec<unknown> = {
  contentType: "application/msgpack",
  encode(value) {
    if (value === undefined) throw new TypeError("undefined has no MessagePack");
    return msgpackEncode(value);
  },
  decode: (bytes) => msgpackDecode(bytes),
};

/**
 * Values as JSON. With a schema they are checked both ways, and `T` is what it gives; that must be something that it takes again. Without
 * one `T` is your word alone: nothing is checked.
 */
export function json<T>(): Codec<T>;
export function json<In, Out extends In>(schema: StandardSchemaV1<In, Out>, options?: SchemaOptions): Codec<Out>;
export function json(schema?: StandardSchemaV1, options: SchemaOptions = {}): Codec<unknown> {
  return shaped(anyJson, schema, options);
}

/** Values as MessagePack, which also carries bytes and dates. Schema and `T` as for {@link json}. */
export function msgpack<T>(): Codec<T>;
export function msgpack<In, Out extends In>(schema: StandardSchemaV1<In, Out>, options?: SchemaOptions): Codec<Out>;
export function msgpack(schema?: StandardSchemaV1, options: SchemaOptions = {}): Codec<unknown> {
  return shaped(anyMsgpack, schema, options);
}

/** Strings as UTF-8. Bytes that are not UTF-8 are refused when read. */
export function text(): Codec<string> {
  return {
    contentType: "text/plain; charset=utf-8",
    readsInPlace: true,
    encode(value) {
      if (typeof value === "string" && !LONE_SURROGATE.test(value)) return utf8(value);
      throw new TypeError(typeof value === "string" ? "it is not well-formed Unicode" : "it is not a string");
    },
    decode: (bytes) => strictText.decode(bytes),
  };
}

/** Bytes as they are. What is given is copied when it is written. */
export function bytes(contentType = "application/octet-stream"): Codec<Uint8Array> {
  return {
    contentType,
    encode(value) {
      if (value instanceof Uint8Array) return new Uint8Array(value);
      throw new TypeError("it is not a Uint8Array");
    },
    decode: (stored) => stored,
  };
}

function shaped(inner: Codec<unknown>, schema: unknown, options: SchemaOptions): Codec<unknown> {
  if (schema === undefined) return inner;
  if (isSchema(schema)) return withSchema(inner, schema, options);
  throw new TypeError("the first argument is a Standard Schema, as zod, valibot and arktype make them, or nothing");
}
