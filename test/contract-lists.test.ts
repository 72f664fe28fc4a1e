/** CONTRACT §3, "Buckets and lists", on three real nodes: every key exactly once while writes go on, conflicts, and how a bucket is set. */
import { describe, expect, it } from "vitest";
import { Cluster, useCluster } from "./support/cluster.js";
import { expectProblem } from "./support/expect-problem.js";
import { contextOf, kv } from "./support/http.js";
import { until } from "./support/until.js";

const cluster = useCluster();
const http = (index = 0): Cluster["nodes"][number]["http"] => cluster().node(index).http;

interface KeyPage {
  readonly keys: readonly string[];
  readonly cursor: string | null;
}

interface Conflicts {
  readonly conflicts: readonly {
    readonly bucket: string;
    readonly key: string;
    readonly siblings: number;
    readonly since: number;
  }[];
  readonly cursor: string | null;
  readonly total: number;
}

/** All pages, one after the other, each from the next node. */
async function allKeys(bucket: string, query: string): Promise<string[]> {
  const keys: string[] = [];
  let cursor: string | null = "";
  for (let page = 0; cursor !== null; page++) {
    const found: KeyPage = await http(page % 3).json(`/v1/kv/${bucket}?${query}&cursor=${encodeURIComponent(cursor)}`);
    keys.push(...found.keys);
    ({ cursor } = found);
  }
  return keys;
}

async function putAll(bucket: string, keys: readonly string[]): Promise<void> {
  const replies = await Promise.all(keys.map((key, i) => http(i % 3).put(kv(bucket, key), `value of ${key}`)));
  expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([204]));
}

const numbered = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

describe("lists of keys", () => {
  it.each([1, 7, 100, 10_000])("pages of %i hold every key exactly once", async (limit) => {
    const bucket = `pages-${limit}`;
    const keys = numbered("k", limit === 1 ? 40 : 300);
    await putAll(bucket, keys);
    expect((await allKeys(bucket, `limit=${limit}`)).toSorted()).toEqual(keys.toSorted());
    const { keys: first } = await http().json<KeyPage>(`/v1/kv/${bucket}?limit=${limit}`);
    expect(first.length).toBeLessThanOrEqual(limit);
  });

  it("a prefix chooses; it is bytes of the key and nothing else", async () => {
    const keys = ["a", "a/b", "a/c", "ab", "b", "ä", "a%", "a*", "A"];
    await putAll("prefixes", keys);
    for (const prefix of ["a", "a/", "ä", "a%", "a*", "z", "%"]) {
      const expected = keys.filter((key) => key.startsWith(prefix)).toSorted();
      const found = await allKeys("prefixes", `prefix=${encodeURIComponent(prefix)}&limit=2`);
      expect(found.toSorted(), prefix).toEqual(expected);
    }
    // A bucket whose name begins like another's.
    await putAll("prefixes-2", ["other"]);
    expect((await allKeys("prefixes", "limit=100")).toSorted()).toEqual(keys.toSorted());
  });

  it("while writes and deletes go on, keys that stand throughout appear exactly once and deleted ones never", async () => {
    const [standing, gone] = [numbered("stands", 400), numbered("gone", 100)];
    await putAll("moving", [...standing, ...gone]);
    await Promise.all(gone.map((key, i) => http(i % 3).delete(kv("moving", key))));

    let stop = false;
    let writes = 0;
    const writer = async (lane: number): Promise<void> => {
      for (let i = 0; !stop; i++) {
        const target = kv("moving", `comes-${lane}-${i}`);
        const written = await http(i % 3).put(target, "x");
        if (i % 2 === 0) await http((i + 1) % 3).delete(target, { "kvorum-context": contextOf(written) });
        // Standing keys change meanwhile: what they hold is replaced, that they stand is not.
        const standingTarget = kv("moving", standing[(lane + 7 * i) % standing.length] as string);
        const read = await http(i % 3).get(standingTarget);
        await http((i + 2) % 3).put(standingTarget, `again ${i}`, { "kvorum-context": contextOf(read) });
        writes += 2;
      }
    };
    const writers = [0, 1, 2, 3].map(writer);
    try {
      const before = writes;
      for (const limit of [17, 60, 400]) {
        const found = await allKeys("moving", `limit=${limit}`);
        expect(found.filter((key) => key.startsWith("stands")).toSorted()).toEqual(standing.toSorted());
        expect(found.filter((key) => key.startsWith("gone"))).toEqual([]);
        expect(new Set(found).size).toBe(found.length);
      }
      // A test in which nothing was written meanwhile would prove nothing.
      expect(writes - before).toBeGreaterThan(20);
    } finally {
      stop = true;
      await Promise.all(writers);
    }
  });

  it("an unknown bucket is an empty list; a bad cursor, limit or name is 400", async () => {
    expect(await http().json("/v1/kv/never-written")).toEqual({ keys: [], cursor: null });
    for (const query of ["cursor=!!!", "cursor=AAAA", "limit=0", "limit=x", "limit=10001", "unknown=1", "prefix=%FF"]) {
      expectProblem(await http().get(`/v1/kv/pages-1?${query}`), 400, "bad-parameter");
    }
    expectProblem(await http().get("/v1/kv/a%20b"), 400, "bad-parameter");
  });
});

describe("conflicts", () => {
  it("lists every key with siblings, with how many and since when; one that is resolved leaves", async () => {
    const before = Date.now();
    const keys = numbered("c", 5);
    for (const key of keys) for (const value of ["one", "two"]) await http(1).put(kv("inbox", key), value);
    await http(2).put(kv("inbox", "c0"), "three");
    await http(0).put(kv("inbox", "no conflict"), "one");
    await http(0).put(kv("other", "c"), "one");
    await http(0).put(kv("other", "c"), "two");

    const inbox = (query = ""): Promise<Conflicts> => http(2).json(`/v1/conflicts?bucket=inbox${query}`);
    const found = await until("all conflicts are seen", async () => {
      const seen = await inbox();
      return seen.total === 5 && seen.conflicts.some(({ siblings }) => siblings === 3) && seen;
    });
    expect(found.cursor).toBeNull();
    expect(found.conflicts.map(({ bucket, key, siblings }) => [bucket, key, siblings])).toEqual(
      keys.map((key) => ["inbox", key, key === "c0" ? 3 : 2]),
    );
    for (const { since } of found.conflicts) {
      expect(since).toBeGreaterThanOrEqual(before);
      expect(since).toBeLessThanOrEqual(Date.now());
    }

    const paged: string[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const page: Conflicts = await inbox(`&limit=2&cursor=${encodeURIComponent(cursor)}`);
      expect(page.conflicts.length).toBeLessThanOrEqual(2);
      expect(page.total).toBe(5);
      paged.push(...page.conflicts.map(({ key }) => key));
      ({ cursor } = page);
    }
    expect(paged).toEqual(keys);
    const everywhere = await http().json<Conflicts>("/v1/conflicts");
    expect(everywhere.conflicts.map(({ bucket }) => bucket)).toContain("other");

    const read = await http(0).get(kv("inbox", "c0"));
    await http(0).put(kv("inbox", "c0"), "resolved", { "kvorum-context": contextOf(read) });
    await http(1).delete(kv("inbox", "c1"));
    await until("the two are gone from the list", async () => (await inbox()).total === 3);
    expect((await inbox()).conflicts.map(({ key }) => key)).toEqual(["c2", "c3", "c4"]);
  });

  it("bad parameters are 400", async () => {
    for (const query of ["bucket=a%20b", "limit=0", "unknown=1"]) {
      expectProblem(await http().get(`/v1/conflicts?${query}`), 400, "bad-parameter");
    }
  });
});

describe("buckets", () => {
  const json = { "content-type": "application/json" };
  const defaults = { n: 3, r: "quorum", w: "quorum", conflicts: "siblings" };

  it("one that was never set answers with the defaults, and is listed when it holds a key", async () => {
    expect(await http().json("/v1/buckets/plain")).toEqual(defaults);
    await http(1).put(kv("plain", "k"), "v");
    await until("the bucket is listed", async () => {
      const { buckets } = await http(2).json<{ buckets: { name: string }[] }>("/v1/buckets");
      return buckets.some(({ name }) => name === "plain");
    });
  });

  it("what one node is told holds at every node, and for the requests that follow", async () => {
    const reply = await http(0).put("/v1/buckets/set", JSON.stringify({ r: "one", w: 3 }), json);
    expect([reply.status, JSON.parse(reply.body.toString())]).toEqual([200, { ...defaults, r: "one", w: 3 }]);
    for (const index of [0, 1, 2]) {
      await until("the bucket is set here", async () => {
        return (await http(index).json<{ w: unknown }>("/v1/buckets/set")).w === 3;
      });
      expect(await http(index).json("/v1/buckets/set")).toEqual({ ...defaults, r: "one", w: 3 });
    }
    await http(1).put(kv("set", "k"), "v");
    expect((await http(2).envelope(kv("set", "k"))).quorum.needed).toBe(1);
    expect((await http(2).envelope(`${kv("set", "k")}?r=2`)).quorum.needed).toBe(2);
  });

  it("n is the cluster's: the same n is taken, another is 409", async () => {
    expect((await http().put("/v1/buckets/fixed", JSON.stringify({ n: 3 }), json)).status).toBe(200);
    for (const n of [1, 2, 4]) {
      expectProblem(await http().put("/v1/buckets/fixed", JSON.stringify({ n }), json), 409, "n-fixed", "none");
    }
  });

  it("anything else that is wrong is 400, and changes nothing", async () => {
    const bad = ["", "x", "[]", "null", '{"r":0}', '{"w":4}', '{"w":"most"}', '{"conflicts":"newest"}', '{"x":1}'];
    for (const body of bad) {
      expectProblem(await http().put("/v1/buckets/bad", body, json), 400, "bad-parameter", "none");
    }
    expectProblem(await http().put("/v1/buckets/a%20b", "{}", json), 400, "bad-parameter", "none");
    expectProblem(await http().get("/v1/buckets/a%20b"), 400, "bad-parameter");
    expect(await http().json("/v1/buckets/bad")).toEqual(defaults);
  });
});
