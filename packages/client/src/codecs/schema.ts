/** Any Standard Schema (zod, valibot, arktype, …) around a codec: checked when written, checked when read, with a hook for old shapes. */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Codec, StoredForm } from "./codec.js";

export interface SchemaOptions {
  /**
   * Called with a stored value that the schema refuses, and what it refused: the place to bring an old shape into today's. What it gives is
   * checked again. The stored bytes stay as they are until somebody writes.
   */
  readonly migrate?: ((old: unknown, issues: readonly StandardSchemaV1.Issue[]) => unknown) | undefined;
}

/** What a schema refused, in one line for people. */
export class SchemaIssues extends Error {
  override readonly name = "SchemaIssues";

  constructor(readonly issues: readonly StandardSchemaV1.Issue[]) {
    super(issues.map(issueText).join("; "));
  }
}

/** `inner` with every value going through `schema`, both ways. What is stored is what the schema gives. */
export function withSchema<T>(
  inner: Codec<unknown>,
  schema: StandardSchemaV1<unknown, T>,
  { migrate }: SchemaOptions,
): Codec<T> {
  const check = (value: unknown): StandardSchemaV1.Result<T> | Promise<StandardSchemaV1.Result<T>> =>
    schema["~standard"].validate(value);
  const checkAgain = (old: unknown, result: StandardSchemaV1.Result<T>): T | Promise<T> => {
    if (result.issues === undefined) return result.value;
    if (migrate === undefined) throw new SchemaIssues(result.issues);
    return after(migrate(old, result.issues), (migrated) => after(check(migrated), valueOf));
  };
  return {
    contentType: inner.contentType,
    readsInPlace: inner.readsInPlace,
    encode: (value) => after(check(value), (result) => inner.encode(valueOf(result))),
    decode: (bytes: Uint8Array, form: StoredForm) =>
      after(inner.decode(bytes, form), (stored) => after(check(stored), (result) => checkAgain(stored, result))),
  };
}

/** Whether `codecOptions` is a schema: functions may be (arktype's are). */
export function isSchema(value: unknown): value is StandardSchemaV1 {
  return (typeof value === "object" || typeof value === "function") && value !== null && "~standard" in value;
}

function valueOf<T>(result: StandardSchemaV1.Result<T>): T {
  if (result.issues === undefined) return result.value;
  throw new SchemaIssues(result.issues);
}

/** Goes on at once with what is there at once: most schemas answer so, and a promise for each value would cost. */
function after<A, B>(value: A | Promise<A>, next: (value: A) => B | Promise<B>): B | Promise<B> {
  return value instanceof Promise ? value.then(next) : next(value);
}

function issueText({ message, path = [] }: StandardSchemaV1.Issue): string {
  const place = path.map((step) => String(typeof step === "object" ? step.key : step)).join(".");
  return place === "" ? message : `${place}: ${message}`;
}
