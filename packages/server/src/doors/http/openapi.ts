/** The description of this door as OpenAPI 3.1, complete enough to make a client from. Schemas come from zod, so that checks and words agree. */
import { z } from "zod";
import { operations } from "./openapi-operations.js";
import { documents } from "./schemas.js";

type Json = Readonly<Record<string, unknown>>;

const DESCRIPTION = `Kvorum keeps every write that its causal context does not cover. Read a key, keep the Kvorum-Context, and send it with the write
that follows: then the write replaces what was read. Concurrent writes stand side by side as siblings (300) until somebody writes with a
context that covers them. Every error is a problem (RFC 9457) whose type is urn:kvorum:<name>; one that answers a PUT or DELETE says with
"effect" whether anything was started.`;

export function openApiDocument(): Json {
  return {
    openapi: "3.1.0",
    info: {
      title: "Kvorum",
      version: "1",
      summary: "An always-writable, masterless key-value store",
      description: DESCRIPTION.replaceAll("\n", " "),
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    tags: [
      { name: "keys", description: "Values, their contexts and their siblings" },
      { name: "buckets", description: "Buckets, and lists over the whole cluster" },
      { name: "cluster", description: "Members, the ring, and what replicas hold" },
      { name: "node", description: "The process that answers" },
    ],
    paths: pathsOf(),
    components: { schemas: componentSchemas() },
  };
}

function pathsOf(): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const { method, path, ...operation } of operations) (paths[path] ??= {})[method] = operation;
  return paths;
}

function componentSchemas(): Json {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(documents)) registry.add(schema, { id });
  const made = z.toJSONSchema(registry, { uri: (id) => `#/components/schemas/${id}`, io: "input" }).schemas;
  return Object.fromEntries(Object.entries(made).map(([id, schema]) => [id, withoutIdentity(schema)]));
}

/** Inside the document a schema is named by its place, and written in the dialect of OpenAPI. */
function withoutIdentity(schema: Json): Json {
  const { $schema: _dialect, $id: _id, ...rest } = schema;
  return rest;
}
