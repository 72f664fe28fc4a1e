/** The description at /v1/openapi.json: well-formed OpenAPI 3.1, and of every route that the door serves. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { routes } from "../../src/doors/http/door.js";
import { openApiDocument } from "../../src/doors/http/openapi.js";
import { openDoor } from "./harness.js";
import type { Harness } from "./harness.js";

const schema = z.record(z.string(), z.unknown());
const content = z.record(z.string(), z.strictObject({ schema }));
const header = z.strictObject({ description: z.string(), required: z.boolean().optional(), schema });
const parameter = z.strictObject({
  name: z.string(),
  in: z.enum(["path", "query", "header"]),
  description: z.string().min(3),
  required: z.boolean().optional(),
  schema,
});
const operation = z.strictObject({
  operationId: z.string().regex(/^[a-z][A-Za-z]+$/),
  tags: z.array(z.string()).length(1),
  summary: z.string().min(3),
  parameters: z.array(parameter).optional(),
  requestBody: z.strictObject({ description: z.string().optional(), required: z.boolean(), content }).optional(),
  responses: z.record(
    z.string().regex(/^[2-5]\d\d$/),
    z.strictObject({
      description: z.string().min(3),
      headers: z.record(z.string(), header).optional(),
      content: content.optional(),
    }),
  ),
});
const document = z.strictObject({
  openapi: z.literal("3.1.0"),
  info: z.looseObject({
    title: z.string(),
    version: z.string(),
    license: z.strictObject({ name: z.string(), identifier: z.string() }),
  }),
  servers: z.array(z.strictObject({ url: z.string() })),
  tags: z.array(z.strictObject({ name: z.string(), description: z.string() })),
  paths: z.record(
    z.string().startsWith("/"),
    z.partialRecord(z.enum(["get", "head", "put", "delete", "post"]), operation),
  ),
  components: z.strictObject({ schemas: z.record(z.string().regex(/^[A-Z][A-Za-z]+$/), schema) }),
});

let door: Harness;
let api: z.infer<typeof document>;

beforeAll(async () => {
  door = await openDoor();
  api = document.parse((await door.ask("GET", "/v1/openapi.json")).json());
});
afterAll(() => door.door.close());

function operationsOf(): { method: string; path: string; it: z.infer<typeof operation> }[] {
  return Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, it]) => ({ method, path, it: it as z.infer<typeof operation> })),
  );
}

test("what is served is what is made", () => {
  expect(api).toEqual(JSON.parse(JSON.stringify(openApiDocument())));
});

test("every route is described, and nothing else is", () => {
  const served = routes.map(({ method, path }) => `${method.toLowerCase()} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
  const described = operationsOf().map(({ method, path }) => `${method} ${path}`);
  expect(described.filter((one) => !one.startsWith("head ")).sort()).toEqual(served.sort());
});

test("every name in a path is a required parameter, and the other way round", () => {
  for (const { path, it } of operationsOf()) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const described = (it.parameters ?? []).filter((one) => one.in === "path");
    expect(described.map(({ name }) => name)).toEqual(inPath);
    expect(described.every(({ required }) => required === true)).toBe(true);
  }
});

test("operations have names of their own, known tags, parameters once each, and an answer that is good", () => {
  const all = operationsOf();
  expect(new Set(all.map(({ it }) => it.operationId)).size).toBe(all.length);
  const tags = new Set(api.tags.map(({ name }) => name));
  for (const { method, it } of all) {
    expect(it.tags.every((tag) => tags.has(tag))).toBe(true);
    const names = (it.parameters ?? []).map((one) => `${one.in} ${one.name}`);
    expect(new Set(names).size).toBe(names.length);
    expect(Object.keys(it.responses).some((status) => status.startsWith("2"))).toBe(true);
    if (method === "head") expect(Object.values(it.responses).every((one) => one.content === undefined)).toBe(true);
  }
});

test("every reference leads to a schema, and every schema is used", () => {
  const references = [...JSON.stringify(api).matchAll(/"\$ref":"([^"]+)"/g)].map(
    ([, reference]) => reference as string,
  );
  const places = Object.keys(api.components.schemas).map((name) => `#/components/schemas/${name}`);
  expect([...new Set(references)].sort()).toEqual(places.sort());
});

test("schemas hold no identity of another place", () => {
  for (const one of Object.values(api.components.schemas)) {
    expect(one).not.toHaveProperty("$schema");
    expect(one).not.toHaveProperty("$id");
    expect(one).toHaveProperty("type", "object");
  }
});

test("a parameter that is described is taken, and one that is not is refused", async () => {
  for (const { method, path, it } of operationsOf()) {
    const at = path.replace("{bucket}", "b").replace("{key}", "k").replace("{name}", "n1");
    const names = (it.parameters ?? []).filter((one) => one.in === "query").map(({ name }) => name);
    for (const name of names) {
      const value = { sloppy: "true", local: "true", force: "true" }[name] ?? "1";
      const required = { "/v1/ring": "bucket=1&key=1", "/v1/cluster/plan": "change=join&name=n9&zone=z&weight=1" }[
        path
      ];
      const pair = required ?? `${name}=${value}`;
      expect((await door.ask(method.toUpperCase(), `${at}?${pair}`, { body: "{}" })).status).toBeLessThan(405);
      expect([400, 405]).not.toContain((await door.ask(method.toUpperCase(), `${at}?${pair}`, { body: "{}" })).status);
    }
    if (!at.startsWith("/v1/") || at.endsWith(".json")) continue;
    expect((await door.ask(method.toUpperCase(), `${at}?nonsense=1`, { body: "{}" })).status).toBe(400);
  }
});
