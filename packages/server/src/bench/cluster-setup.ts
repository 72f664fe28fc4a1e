/** What is asked of a cluster over HTTP before a run: where its peer doors are, and how the bench's bucket treats conflicts. */
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";

/** The bucket that belongs to the bench. Any other is somebody's data, and is left as it is configured. */
export const BENCH_BUCKET = "bench";

const SETTLE_TIMEOUT_MS = 15_000;
const ASK_TIMEOUT_MS = 5_000;
const RETRY_MS = 50;

const clusterSchema = z.object({
  members: z.array(z.object({ address: z.string(), http: z.string(), status: z.string() })),
});
const bucketSchema = z.object({ conflicts: z.enum(["siblings", "lww"]) });

export type BucketConflicts = z.infer<typeof bucketSchema>["conflicts"];

/** What went wrong, in a line for people. */
export class SetupError extends Error {
  override readonly name = "SetupError";
}

export interface Discovered {
  /** Peer doors, and HTTP doors as URLs, of the members that are up. */
  readonly seeds: readonly string[];
  readonly urls: readonly string[];
}

/** @throws SetupError */
export async function discover(url: string): Promise<Discovered> {
  const { members } = await ask(new URL("/v1/cluster", url), clusterSchema);
  const up = members.filter(({ status, address, http }) => status === "up" && address !== "" && http !== "");
  if (up.length === 0) throw new SetupError(`${url} knows no member that is up`);
  return { seeds: up.map((member) => member.address), urls: up.map((member) => `http://${member.http}`) };
}

/**
 * How the bucket treats conflicts. The bench's own is set to last write wins first, and waited for at every member: YCSB's updates overwrite
 * blindly, and where siblings are kept each would add one more.
 * @throws SetupError
 */
export async function prepareBucket(bucket: string, urls: readonly string[]): Promise<BucketConflicts> {
  const path = `/v1/buckets/${bucket}`;
  const [first] = urls;
  if (first === undefined) throw new SetupError("no member to ask");
  if (bucket !== BENCH_BUCKET) return (await ask(new URL(path, first), bucketSchema)).conflicts;
  await ask(new URL(path, first), bucketSchema, { method: "PUT", body: JSON.stringify({ conflicts: "lww" }) });
  const deadline = performance.now() + SETTLE_TIMEOUT_MS;
  for (const url of urls) {
    while ((await ask(new URL(path, url), bucketSchema)).conflicts !== "lww") {
      if (performance.now() > deadline) throw new SetupError(`${url} has not heard that ${bucket} is last-write-wins`);
      await pause(RETRY_MS);
    }
  }
  return "lww";
}

async function ask<T>(url: URL, schema: z.ZodType<T>, request: RequestInit = {}): Promise<T> {
  let response: Response;
  try {
    const signal = AbortSignal.timeout(ASK_TIMEOUT_MS);
    response = await fetch(url, { ...request, signal, headers: { "content-type": "application/json" } });
  } catch (error) {
    throw new SetupError(`${url.origin} cannot be reached`, { cause: error });
  }
  const text = await response.text();
  if (!response.ok) throw new SetupError(`${url.href} answered ${response.status}: ${text.slice(0, 300)}`);
  const parsed = schema.safeParse(jsonOf(text));
  if (!parsed.success) throw new SetupError(`${url.href} answered something else than the contract says`);
  return parsed.data;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
