/** Every operation of the API, as OpenAPI describes it. A test holds this list against the routes of the door. */
import { BACKUP_TYPE } from "./backup-routes.js";
import { ENVELOPE_TYPE } from "./envelope.js";
import * as parameters from "./openapi-parameters.js";
import type { Header, Parameter } from "./openapi-parameters.js";
import { PROBLEM_TYPE, problemKinds } from "./problem.js";
import type { ProblemName } from "./problem.js";
import type { SchemaName } from "./schemas.js";

interface Response {
  readonly description: string;
  readonly headers?: Readonly<Record<string, Header>>;
  readonly content?: Readonly<Record<string, { readonly schema: Readonly<Record<string, unknown>> }>>;
}

interface OperationDescription {
  readonly method: "get" | "head" | "post" | "put" | "delete";
  readonly path: string;
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Readonly<Record<string, unknown>>;
  readonly responses: Readonly<Record<string, Response>>;
}

const KEY = "/v1/kv/{bucket}/{key}";
const anyBytes = { "*/*": { schema: {} } };
const keyInPath = [parameters.bucketInPath, parameters.keyInPath];
const causal = { "Kvorum-Context": parameters.contextHeader, "Kvorum-Fallbacks": parameters.fallbacksHeader };
const found = { ...causal, "Kvorum-Siblings": parameters.siblingsHeader };

const read: ProblemName[] = ["bad-parameter", "overloaded", "quorum-not-met", "stopping", "storage-failed"];
const write: ProblemName[] = [
  ...read,
  "bad-context",
  "too-many-siblings",
  "idempotency-mismatch",
  "clock-skew",
  "storage-full",
];

export const operations: readonly OperationDescription[] = [
  readOperation("get"),
  readOperation("head"),
  {
    method: "put",
    path: KEY,
    operationId: "putValue",
    tags: ["keys"],
    summary: "Write a value, in place of what the context covers and of nothing else",
    parameters: [
      ...keyInPath,
      ...parameters.quorumParameters,
      ...parameters.writeHeaders,
      parameters.ttl,
      parameters.ifNoneMatch,
    ],
    requestBody: {
      description: "The value: any bytes, kept with their Content-Type",
      required: true,
      content: anyBytes,
    },
    responses: {
      "204": { description: "On w disks", headers: causal },
      ...problems(...write, "exists", "too-large"),
    },
  },
  {
    method: "delete",
    path: KEY,
    operationId: "deleteValue",
    tags: ["keys"],
    summary: "Remove what the context covers; a value written concurrently survives",
    parameters: [...keyInPath, ...parameters.quorumParameters, ...parameters.writeHeaders],
    responses: { "204": { description: "Removed, or nothing was there", headers: causal }, ...problems(...write) },
  },
  {
    method: "get",
    path: `${KEY}/explain`,
    operationId: "explainKey",
    tags: ["cluster"],
    summary: "Where a key lives and what each replica holds; nothing is repaired by asking",
    parameters: [...keyInPath, parameters.timeout],
    responses: { "200": json("Explanation", "Each replica as it stands"), ...problems(...read) },
  },
  {
    method: "get",
    path: "/v1/kv/{bucket}",
    operationId: "listKeys",
    tags: ["buckets"],
    summary: "The keys of a bucket over the whole cluster, in no promised order",
    parameters: [parameters.bucketInPath, parameters.prefix, parameters.limit, parameters.cursor, parameters.timeout],
    responses: { "200": json("KeyPage", "A page of keys"), ...problems(...read) },
  },
  {
    method: "get",
    path: "/v1/conflicts",
    operationId: "listConflicts",
    tags: ["buckets"],
    summary: "The keys with several siblings",
    parameters: [parameters.bucketInQuery, parameters.limit, parameters.cursor, parameters.timeout],
    responses: { "200": json("ConflictPage", "A page of keys"), ...problems(...read) },
  },
  {
    method: "get",
    path: "/v1/buckets",
    operationId: "listBuckets",
    tags: ["buckets"],
    summary: "All buckets that are configured or hold a key",
    parameters: [parameters.timeout],
    responses: { "200": json("BucketList", "The buckets"), ...problems(...read) },
  },
  {
    method: "get",
    path: "/v1/buckets/{bucket}",
    operationId: "getBucket",
    tags: ["buckets"],
    summary: "How a bucket is read and written",
    parameters: [parameters.bucketInPath],
    responses: { "200": json("BucketConfig", "Its configuration"), ...problems("bad-parameter") },
  },
  {
    method: "put",
    path: "/v1/buckets/{bucket}",
    operationId: "setBucket",
    tags: ["buckets"],
    summary: "Change how a bucket is read and written",
    parameters: [parameters.bucketInPath],
    requestBody: { required: true, content: jsonContent("BucketChange") },
    responses: {
      "200": json("BucketConfig", "Its configuration now, durable on this node"),
      ...problems("bad-parameter", "n-fixed", "too-large", "overloaded", "stopping", "storage-failed"),
    },
  },
  {
    method: "get",
    path: "/v1/cluster",
    operationId: "getCluster",
    tags: ["cluster"],
    summary: "The members, as this node sees them",
    responses: { "200": json("Cluster", "The cluster"), ...problems("bad-parameter") },
  },
  {
    method: "get",
    path: "/v1/ring",
    operationId: "getRing",
    tags: ["cluster"],
    summary: "The owners of every partition; with a bucket and a key, the place of that key",
    parameters: [parameters.bucketInQuery, parameters.keyInQuery],
    responses: {
      "200": { description: "The ring, or a place", content: oneOf("Ring", "Place") },
      ...problems("bad-parameter"),
    },
  },
  {
    method: "get",
    path: "/v1/cluster/plan",
    operationId: "planChange",
    tags: ["cluster"],
    summary: "What a change of the membership would move; nothing is changed",
    parameters: [parameters.change, parameters.memberInQuery, parameters.zone, parameters.weight],
    responses: {
      "200": json("Change", "What would move"),
      ...problems("bad-parameter", "not-found", "stopping", "storage-failed"),
    },
  },
  {
    method: "post",
    path: "/v1/cluster/members/{name}/leave",
    operationId: "leave",
    tags: ["cluster"],
    summary: "Let a member leave: what it holds is moved first, then its process ends",
    parameters: [parameters.memberInPath],
    responses: {
      "202": json("Change", "It is leaving"),
      ...problems("bad-parameter", "not-found", "clock-skew", "overloaded", "stopping", "storage-failed"),
    },
  },
  {
    method: "delete",
    path: "/v1/cluster/members/{name}",
    operationId: "removeMember",
    tags: ["cluster"],
    summary: "Remove a member that is down; what it held is copied from the other replicas",
    parameters: [parameters.memberInPath, parameters.force],
    responses: {
      "202": json("Removal", "It is no member any more"),
      ...problems(
        "bad-parameter",
        "not-found",
        "member-alive",
        "clock-skew",
        "overloaded",
        "stopping",
        "storage-failed",
      ),
    },
  },
  {
    method: "get",
    path: "/v1/digests",
    operationId: "getDigests",
    tags: ["cluster"],
    summary: "The root of this node's hash tree for each partition that it holds",
    responses: { "200": json("Digests", "The roots"), ...problems("bad-parameter") },
  },
  {
    method: "get",
    path: "/v1/risk",
    operationId: "getRisk",
    tags: ["cluster"],
    summary: "What could be lost right now, as far as the members that can be reached say",
    parameters: [parameters.timeout],
    responses: {
      "200": json("Risk", "One line when all is well"),
      ...problems("bad-parameter", "overloaded", "stopping", "storage-failed"),
    },
  },
  {
    method: "get",
    path: "/v1/repair",
    operationId: "getRepair",
    tags: ["cluster"],
    summary: "How far anti-entropy is, over all members that can be reached",
    responses: { "200": json("Repair", "Its counts"), ...problems("bad-parameter", "stopping", "storage-failed") },
  },
  {
    method: "post",
    path: "/v1/repair",
    operationId: "startRepair",
    tags: ["cluster"],
    summary: "Let every member compare its replicas with the others' now, and mend what differs",
    responses: {
      "202": json("Repair", "All members that can be reached have begun"),
      ...problems("bad-parameter", "overloaded", "stopping", "storage-failed"),
    },
  },
  nodeOperation("/health/live", "isLive", "Whether the process answers", json("Health", "It does")),
  nodeOperation("/health/ready", "isReady", "Whether the node takes requests", json("Health", "It does"), "not-ready"),
  nodeOperation(
    "/v1/backup",
    "getBackup",
    "A snapshot of this node's data folder as one stream; kvorum backup --url makes a folder of it",
    { description: "The snapshot (docs/formats/backup.md)", content: { [BACKUP_TYPE]: { schema: {} } } },
    "not-supported",
    "overloaded",
    "storage-failed",
    "stopping",
  ),
  nodeOperation("/metrics", "getMetrics", "The node's numbers for Prometheus", plain("text/plain", "Prometheus text")),
  nodeOperation("/v1/openapi.json", "getDescription", "This document", plain("application/json", "OpenAPI 3.1")),
  nodeOperation("/", "getPage", "A page for people", plain("text/html", "Where to go on")),
];

function readOperation(method: "get" | "head"): OperationDescription {
  const isGet = method === "get";
  const body = <T>(content: T): { content?: T } => (isGet ? { content } : {});
  return {
    method,
    path: KEY,
    operationId: isGet ? "getValue" : "headValue",
    tags: ["keys"],
    summary: isGet
      ? "Read a key: its value, or its siblings when there are several"
      : "What GET would say, without its body",
    parameters: [...keyInPath, ...parameters.quorumParameters, parameters.local, parameters.accept],
    responses: {
      "200": {
        description: "One value stands: its bytes under its own Content-Type; the envelope when asked for",
        headers: found,
        ...body({ ...jsonContent("Envelope", ENVELOPE_TYPE), ...anyBytes }),
      },
      "300": { description: "Siblings stand", headers: found, ...body(jsonContent("Envelope", ENVELOPE_TYPE)) },
      "404": {
        description: "No value stands. With a Kvorum-Context: there was one",
        headers: causal,
        ...body({ ...jsonContent("Problem", PROBLEM_TYPE), ...jsonContent("Envelope", ENVELOPE_TYPE) }),
      },
      ...(isGet ? problems(...read) : withoutContent(problems(...read))),
    },
  };
}

function nodeOperation(
  path: string,
  operationId: string,
  summary: string,
  good: Response,
  ...names: readonly ProblemName[]
): OperationDescription {
  return {
    method: "get",
    path,
    operationId,
    tags: ["node"],
    summary,
    responses: { "200": good, ...problems(...names) },
  };
}

/** The error answers, one for each status: several problems may share one. */
function problems(...names: readonly ProblemName[]): Record<string, Response> {
  const responses: Record<string, Response> = {};
  for (const name of names) {
    const { status, title } = problemKinds[name];
    const earlier = responses[status]?.description;
    const description = `\`urn:kvorum:${name}\` ${title}`;
    responses[status] = {
      description: earlier === undefined ? description : `${earlier}. ${description}`,
      ...(status === 503 && { headers: { "Retry-After": parameters.retryAfterHeader } }),
      content: jsonContent("Problem", PROBLEM_TYPE),
    };
  }
  return responses;
}

function withoutContent(responses: Readonly<Record<string, Response>>): Record<string, Response> {
  return Object.fromEntries(Object.entries(responses).map(([status, { content: _none, ...rest }]) => [status, rest]));
}

function json(name: SchemaName, description: string): Response {
  return { description, content: jsonContent(name) };
}

function plain(type: string, description: string): Response {
  return {
    description,
    content: { [type]: { schema: type.endsWith("json") ? { type: "object" } : { type: "string" } } },
  };
}

function jsonContent(name: SchemaName, type = "application/json"): NonNullable<Response["content"]> {
  return { [type]: { schema: { $ref: `#/components/schemas/${name}` } } };
}

function oneOf(...names: readonly SchemaName[]): NonNullable<Response["content"]> {
  const schema = { oneOf: names.map((name) => ({ $ref: `#/components/schemas/${name}` })) };
  return { "application/json": { schema } };
}
