/** The parameters and headers of the API, described once each (CONTRACT §3, "Query"). */
import { limits } from "@kvorum/core";

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly description: string;
  readonly required?: boolean;
  readonly schema: Readonly<Record<string, unknown>>;
}

export interface Header {
  readonly description: string;
  readonly required?: boolean;
  readonly schema: Readonly<Record<string, unknown>>;
}

const text = { type: "string" } as const;

export const bucketInPath: Parameter = {
  name: "bucket",
  in: "path",
  required: true,
  description: "The bucket's name",
  schema: { ...text, pattern: `^[A-Za-z0-9._-]{1,${limits.bucketBytesMax}}$` },
};

export const keyInPath: Parameter = {
  name: "key",
  in: "path",
  required: true,
  description: `1-${limits.keyBytesMax} bytes of UTF-8, percent-encoded; a / inside a key is %2F`,
  schema: { ...text, minLength: 1, maxLength: limits.keyBytesMax },
};

const member = { ...text, pattern: "^[A-Za-z0-9._-]{1,64}$" } as const;

export const memberInPath: Parameter = {
  name: "name",
  in: "path",
  required: true,
  description: "The member's name",
  schema: member,
};

export const memberInQuery: Parameter = {
  name: "name",
  in: "query",
  required: true,
  description: "The member's name",
  schema: member,
};

export const change: Parameter = {
  name: "change",
  in: "query",
  required: true,
  description: "What would be done to the member",
  schema: { enum: ["join", "leave", "remove"] },
};

export const zone = query("zone", "The zone of a member that would join", { ...text, default: "default" });

export const weight = query("weight", "The weight of a member that would join", {
  type: "integer",
  minimum: 1,
  maximum: 1_000_000,
  default: 1,
});

export const force = query("force", "Remove it although it seems to live: what it alone holds is lost", {
  type: "boolean",
  default: false,
});

const quorum = { oneOf: [{ type: "integer", minimum: 1, maximum: 99 }, { enum: ["one", "quorum", "all"] }] } as const;

function query(name: string, description: string, schema: Parameter["schema"]): Parameter {
  return { name, in: "query", description, schema };
}

export const timeout = query("timeout", "Milliseconds before the request is given up", {
  type: "integer",
  minimum: 1,
  maximum: limits.requestTimeoutMaxMs,
  default: limits.requestTimeoutMs,
});

export const quorumParameters: readonly Parameter[] = [
  query("r", "Replicas that must answer a read: 1 to n, or a word; the bucket's unless given", quorum),
  query(
    "w",
    "Disks that a write must be on before it is answered: 1 to n, or a word; the bucket's unless given",
    quorum,
  ),
  query(
    "sloppy",
    "Whether fallbacks may stand in for primaries. In this version none does yet: true behaves as false, and quorum.fallbacks is 0",
    { type: "boolean", default: true },
  ),
  timeout,
];

export const local = query(
  "local",
  "Answer from this node's own store alone: no quorum, no repair, nothing asked of others",
  {
    type: "boolean",
    default: false,
  },
);

export const prefix = query("prefix", "Only keys that start so", { ...text, maxLength: limits.keyBytesMax });
export const cursor = query("cursor", "The cursor of the page before; empty or left out for the first page", text);
export const limit = query("limit", "How many at most", {
  type: "integer",
  minimum: 1,
  maximum: limits.listLimitMax,
  default: limits.listLimitDefault,
});

export const bucketInQuery = query("bucket", "A bucket's name", text);
export const keyInQuery = query("key", "A key of that bucket; a + is a space here, as in forms", text);

const contextSchema = { ...text, maxLength: limits.contextCharsMax } as const;

export const accept: Parameter = {
  name: "Accept",
  in: "header",
  description: "application/vnd.kvorum+json asks for the envelope whatever there is: 200, or 404 with an empty list",
  schema: text,
};

export const writeHeaders: readonly Parameter[] = [
  {
    name: "Kvorum-Context",
    in: "header",
    description:
      "From the read that this write follows. Without it a PUT replaces nothing, and a DELETE removes what a quorum read sees now",
    schema: contextSchema,
  },
  {
    name: "Idempotency-Key",
    in: "header",
    description:
      "Names this write: sent again within 10 minutes it is the same write. With another key, body or context it is 422",
    schema: { ...text, minLength: 1, maxLength: limits.idempotencyKeyBytesMax },
  },
  {
    name: "Kvorum-Attempt",
    in: "header",
    description: "1 says that no earlier attempt was made, so that nobody need look for one",
    schema: { type: "integer", minimum: 1 },
  },
];

export const ttl: Parameter = {
  name: "Kvorum-TTL",
  in: "header",
  description:
    "Seconds until the value is hidden, by the clock of the node that reads, and then forgotten; none: it stays. The bucket's ttl unless given",
  schema: { oneOf: [{ type: "integer", minimum: 1, maximum: limits.ttlSecondsMax }, { const: "none" }] },
};

export const ifNoneMatch: Parameter = {
  name: "If-None-Match",
  in: "header",
  description:
    "*: only where a quorum read sees no value. Two concurrent creators may both succeed and become siblings",
  schema: { const: "*" },
};

export const contextHeader: Header = {
  description:
    "Send it with the write that follows. After a write it covers that write and what its own context covered; absent when the key was never seen",
  schema: contextSchema,
};

export const siblingsHeader: Header = {
  description: "How many values stand",
  required: true,
  schema: { type: "integer", minimum: 1 },
};

export const fallbacksHeader: Header = {
  description: "How many fallbacks the quorum counted; absent when it counted none",
  schema: { type: "integer", minimum: 1 },
};

export const retryAfterHeader: Header = {
  description: "Seconds to wait before another try, when that is the advice",
  schema: { type: "integer", minimum: 1 },
};
