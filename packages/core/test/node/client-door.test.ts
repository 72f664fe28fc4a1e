/** What programs ask over the peer protocol besides keys: answered as the doors answer it, and nothing believed. */
import { expect, test } from "vitest";
import { ok, type Outcome } from "../../src/base/failure.js";
import { limits } from "../../src/base/limits.js";
import type { NodeApi } from "../../src/node/api.js";
import { askForClient } from "../../src/node/client-door.js";
import type { ClientRequest } from "../../src/wire/client-messages.js";
import type { Message } from "../../src/wire/messages.js";

const config = { n: 3, r: "quorum", w: 2, conflicts: "siblings" } as const;

/** A node that notes what it is asked. */
function fakeNode(): { readonly api: NodeApi; readonly asked: unknown[] } {
  const asked: unknown[] = [];
  const api: Partial<NodeApi> = {
    listKeys: (query, timeoutMs, reply) => {
      asked.push({ query, timeoutMs });
      reply(ok({ keys: ["a", "b"], cursor: query.cursor === undefined ? "next" : null }));
    },
    listConflicts: (query, timeoutMs, reply) => {
      asked.push({ query, timeoutMs });
      reply(ok({ conflicts: [{ bucket: "b", key: "k", siblings: 2, since: 5 }], cursor: null, total: 1 }));
    },
    bucketConfig: () => config,
    setBucketConfig: (bucket, change, reply) => {
      asked.push({ bucket, change });
      reply(ok({ ...config, ttl: 60 }));
    },
  };
  return { api: api as NodeApi, asked };
}

function ask(api: NodeApi, request: ClientRequest): Outcome<Message> {
  const outcomes: Outcome<Message>[] = [];
  askForClient(api, request, 700, (outcome) => outcomes.push(outcome));
  expect(outcomes).toHaveLength(1);
  return outcomes[0] as Outcome<Message>;
}

test("lists are passed on, an empty cursor or bucket meaning none", () => {
  const { api, asked } = fakeNode();
  const list = { kind: "client-list", bucket: "b", prefix: "p", limit: 2, cursor: "" } as const;
  expect(ask(api, list)).toEqual(ok({ kind: "client-listed", keys: ["a", "b"], cursor: "next" }));
  expect(ask(api, { ...list, cursor: "next" })).toEqual(ok({ kind: "client-listed", keys: ["a", "b"], cursor: "" }));
  const conflicts = { kind: "client-conflicts", bucket: "", limit: 5, cursor: "" } as const;
  expect(ask(api, conflicts)).toMatchObject({
    ok: true,
    value: { kind: "client-conflicts-listed", total: 1, cursor: "" },
  });
  ask(api, { ...conflicts, bucket: "b", cursor: "c" });
  expect(asked).toEqual([
    { query: { bucket: "b", prefix: "p", limit: 2 }, timeoutMs: 700 },
    { query: { bucket: "b", prefix: "p", limit: 2, cursor: "next" }, timeoutMs: 700 },
    { query: { limit: 5 }, timeoutMs: 700 },
    { query: { bucket: "b", limit: 5, cursor: "c" }, timeoutMs: 700 },
  ]);
});

test("a bucket's configuration is told and changed; what is undefined stays", () => {
  const { api, asked } = fakeNode();
  expect(ask(api, { kind: "client-bucket", bucket: "b" })).toEqual(
    ok({ kind: "client-bucket-said", ...config, ttl: undefined }),
  );
  const keep = { kind: "client-set-bucket", bucket: "b", r: undefined, w: undefined, conflicts: undefined } as const;
  expect(ask(api, { ...keep, ttl: 60 })).toMatchObject({ value: { ttl: 60 } });
  ask(api, { ...keep, r: "all", w: 3, conflicts: "lww", ttl: null });
  expect(asked).toEqual([
    { bucket: "b", change: { ttl: 60 } },
    { bucket: "b", change: { r: "all", w: 3, conflicts: "lww", ttl: null } },
  ]);
});

test.each<ClientRequest>([
  { kind: "client-list", bucket: "no/bucket", prefix: "", limit: 1, cursor: "" },
  { kind: "client-list", bucket: "", prefix: "", limit: 1, cursor: "" },
  { kind: "client-list", bucket: "b", prefix: "", limit: 0, cursor: "" },
  { kind: "client-list", bucket: "b", prefix: "", limit: limits.listLimitMax + 1, cursor: "" },
  { kind: "client-conflicts", bucket: "no/bucket", limit: 1, cursor: "" },
  { kind: "client-bucket", bucket: "" },
  { kind: "client-set-bucket", bucket: "b", r: 4, w: undefined, conflicts: undefined, ttl: undefined },
  { kind: "client-set-bucket", bucket: "b", r: undefined, w: undefined, conflicts: undefined, ttl: 0 },
  { kind: "client-set-bucket", bucket: "", r: 1, w: undefined, conflicts: undefined, ttl: undefined },
])("refuses $kind that cannot be", (request) => {
  const { api, asked } = fakeNode();
  expect(ask(api, request)).toMatchObject({ ok: false, failure: { code: "bad-parameter", effect: "none" } });
  expect(asked).toEqual([]);
});
