/** What programs ask of any node over the peer protocol besides reading and writing keys. They are checked as HTTP's parameters are: nothing is believed. */
import { fail, ok, type Outcome } from "../base/failure.js";
import { limits } from "../base/limits.js";
import { bucketProblem } from "../base/names.js";
import type { ClientBucketSaid, ClientRequest } from "../wire/client-messages.js";
import type { Message } from "../wire/messages.js";
import { bucketChangeProblem } from "./bucket-change.js";
import type { BucketChange, BucketConfig, ConflictPage, KeyPage, NodeApi } from "./api.js";

type Reply = (outcome: Outcome<Message>) => void;

/** Answers once, with what the node says or with what is wrong with the request. */
export function askForClient(api: NodeApi, request: ClientRequest, timeoutMs: number, reply: Reply): void {
  const problem = problemOf(request);
  if (problem !== undefined) return reply(fail("bad-parameter", problem));
  switch (request.kind) {
    case "client-list": {
      const { bucket, prefix, limit, cursor } = request;
      const query = { bucket, prefix, limit, ...(cursor !== "" && { cursor }) };
      return api.listKeys(query, timeoutMs, answered(reply, keysListed));
    }
    case "client-conflicts": {
      const { bucket, limit, cursor } = request;
      const query = { limit, ...(bucket !== "" && { bucket }), ...(cursor !== "" && { cursor }) };
      return api.listConflicts(query, timeoutMs, answered(reply, conflictsListed));
    }
    case "client-bucket":
      return reply(ok(bucketSaid(api.bucketConfig(request.bucket))));
    case "client-set-bucket": {
      const { bucket, r, w, conflicts, ttl } = request;
      const change: BucketChange = {
        ...(r !== undefined && { r }),
        ...(w !== undefined && { w }),
        ...(conflicts !== undefined && { conflicts }),
        ...(ttl !== undefined && { ttl }),
      };
      const wrong = bucketChangeProblem(change, api.bucketConfig(bucket).n);
      if (wrong !== undefined) return reply(fail("bad-parameter", wrong));
      return api.setBucketConfig(bucket, change, answered(reply, bucketSaid));
    }
  }
}

function problemOf(request: ClientRequest): string | undefined {
  const isAnyBucket = request.kind === "client-conflicts" && request.bucket === "";
  const problem = isAnyBucket ? undefined : bucketProblem(request.bucket);
  if (problem !== undefined || !("limit" in request)) return problem;
  if (request.limit >= 1 && request.limit <= limits.listLimitMax) return undefined;
  return `a page has 1-${limits.listLimitMax} entries, not ${request.limit}`;
}

function answered<T>(reply: Reply, message: (value: T) => Message): (outcome: Outcome<T>) => void {
  return (outcome) => reply(outcome.ok ? ok(message(outcome.value)) : outcome);
}

function keysListed({ keys, cursor }: KeyPage): Message {
  return { kind: "client-listed", keys, cursor: cursor ?? "" };
}

function conflictsListed({ conflicts, cursor, total }: ConflictPage): Message {
  return { kind: "client-conflicts-listed", conflicts, cursor: cursor ?? "", total };
}

function bucketSaid({ n, r, w, conflicts, ttl }: BucketConfig): ClientBucketSaid {
  return { kind: "client-bucket-said", n, r, w, conflicts, ttl };
}
