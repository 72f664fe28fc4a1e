/** What a replica does with one key, whatever the store and its callers do meanwhile (Dynamo §4.3; DESIGN §4, §8). */
import { describe, expect, it } from "vitest";
import { keyIdOf } from "../../src/base/key-id.js";
import type { Batch } from "../../src/ports/storage.js";
import { Actors } from "../../src/node/actors.js";
import { Tides } from "../../src/replication/tides.js";
import { NO_PLANTS } from "../../src/node/plants.js";
import { BucketTags } from "../../src/node/bucket-tags.js";
import { Holdings } from "../../src/node/holdings.js";
import { Replica, type Change, type Held, type StoredStatus } from "../../src/node/replica.js";
import { States } from "../../src/node/states.js";
import { EMPTY_STATE } from "../../src/versions/key-state.js";
import { EMPTY_CONTEXT } from "../../src/versions/context.js";
import { write } from "../../src/versions/write.js";
import { stampAt } from "../../src/base/hlc.js";
import { testPrimitives } from "../primitives.js";
import { Timeline } from "./cluster.js";
import { TestStorage } from "./test-storage.js";

const INSTANCE = 7;
const key = keyIdOf(testPrimitives, 64, "b", "k");

function replicaOn(readDelayMs: number) {
  const timeline = new Timeline();
  const storage = new TestStorage((delayMs, run) => void timeline.after(delayMs, run));
  storage.readDelayMs = readDelayMs;
  const batches: Batch[] = [];
  const apply = storage.apply.bind(storage);
  storage.apply = (batch, done) => {
    batches.push(batch);
    apply(batch, done);
  };
  const states = new States(testPrimitives, new Uint8Array(32));
  const actors = new Actors(INSTANCE, 1, { boot: 1, birth: 0 });
  const found: number[] = [];
  const replica = new Replica({
    ...{ primitives: testPrimitives, storage, states, actors, holdings: new Holdings(testPrimitives) },
    tags: new BucketTags(testPrimitives),
    trees: { changed: () => {}, doubt: () => {} },
    plants: NO_PLANTS,
    tides: new Tides(1_000, 0),
    inDoubt: () => false,
    modeOf: () => "siblings",
    onDamage: () => void found.push(timeline.nowMs),
    onDoubtful: () => {},
    onFull: () => {},
  });
  /** A blind write by this node, as its coordinator decides it. */
  const decideWrite =
    (value: string) =>
    (held: Held): Change => {
      const record = held.kind === "absent" ? undefined : held.record;
      const before = record === undefined ? EMPTY_STATE : states.parse(record.body).state;
      const fresh = actors.next;
      const written = write(before, {
        ...{ mode: "siblings", instance: INSTANCE, fresh, context: EMPTY_CONTEXT, stamp: stampAt(1), deleted: false },
        lifetime: actors.inForce(record?.lifetime),
        ...{ contentType: "", value: Uint8Array.of(...value.split("").map((c) => c.charCodeAt(0))) },
        origin: { node: "n1", fallback: false, context: false },
      });
      if (written.lifetime === fresh) actors.take();
      const inDoubt = held.kind === "unknown" && held.damaged;
      return { body: states.encode(written.state), inDoubt, lifetime: written.lifetime };
    };
  const held = (): Held => {
    let answer: Held | undefined;
    replica.load(key, (found) => (answer = found));
    timeline.run(100);
    return answer as Held;
  };
  const valuesHeld = (): number => {
    const now = held();
    return now.kind === "state" ? states.parse(now.record.body).state.siblings.length : 0;
  };
  return { timeline, storage, states, actors, replica, batches, found, decideWrite, held, valuesHeld };
}

describe.each([
  ["a store that answers at once", 0],
  ["a store that answers later", 3],
])("on %s", (_, readDelayMs) => {
  it("reading, changing and writing a key is one step, also for a change asked for while another is decided", () => {
    const { replica, timeline, decideWrite, valuesHeld } = replicaOn(readDelayMs);
    const statuses: StoredStatus[] = [];
    const done = (status: StoredStatus): void => void statuses.push(status);
    replica.modify(
      key,
      (held) => {
        const change = decideWrite("outer")(held);
        // As a door does that is answered at once and asks again.
        replica.modify(key, decideWrite("inner"), done);
        return change;
      },
      done,
    );
    for (let i = 0; i < 8; i++) replica.modify(key, decideWrite(`${i}`), done);
    timeline.run(200);
    expect(statuses).toEqual(Array.from({ length: 10 }, () => "durable"));
    expect(valuesHeld()).toBe(10);
  });

  it("a decision that throws does not lock its key", () => {
    const { replica, timeline, decideWrite, valuesHeld } = replicaOn(readDelayMs);
    const broken = (): Change => {
      throw new Error("broken");
    };
    const run = (): void => {
      replica.modify(key, broken, () => {});
      timeline.run(100);
    };
    expect(run).toThrow("broken");
    replica.modify(key, decideWrite("v"), () => {});
    timeline.run(100);
    expect(valuesHeld()).toBe(1);
  });

  it("a state that brings nothing new writes nothing, and is durable only when what it found is", () => {
    const { replica, timeline, decideWrite, batches, states, held } = replicaOn(readDelayMs);
    replica.modify(key, decideWrite("v"), () => {});
    const body = (held() as { record: { body: Uint8Array } }).record.body;
    let told = false;
    replica.modify(key, decideWrite("w"), () => {});
    replica.merge(key, states.parse(body.slice()), false, () => (told = true));
    timeline.run(readDelayMs * 2);
    expect(told).toBe(false);
    timeline.run(100);
    expect(told).toBe(true);
    expect(batches.filter((batch) => (batch.records ?? []).length > 0)).toHaveLength(2);
  });

  it("a full disk took nothing, so a dot minted for it is never minted again (TRAPS 1)", () => {
    const { replica, timeline, storage, decideWrite, actors, held } = replicaOn(readDelayMs);
    replica.modify(key, decideWrite("v"), () => {});
    timeline.run(100);
    const before = held();
    storage.full = true;
    const statuses: StoredStatus[] = [];
    replica.modify(key, decideWrite("w"), (status) => {
      statuses.push(status);
      storage.full = false;
      // At the first moment at which somebody knows of it, the lifetime is over.
      expect(before.kind === "state" && actors.inForce(before.record.lifetime)).toBe(undefined);
    });
    timeline.run(100);
    expect(statuses).toEqual(["full"]);
    expect(held()).toEqual(before);
  });

  it("a damaged record is told once, however often it is read, and again when it is damaged again", () => {
    const { replica, timeline, storage, decideWrite, states, found, held } = replicaOn(readDelayMs);
    const place = { partition: key.partition, hash: key.hash, key: key.id };
    replica.modify(key, decideWrite("v"), () => {});
    const body = (held() as { record: { body: Uint8Array } }).record.body.slice();
    storage.damage(place);
    for (let i = 0; i < 5; i++) expect(held()).toEqual({ kind: "unknown", record: undefined, damaged: true });
    expect(found).toHaveLength(1);
    replica.merge(key, states.parse(body), true, () => {});
    timeline.run(100);
    expect(held().kind).toBe("state");
    storage.damage(place);
    held();
    expect(found).toHaveLength(2);
    expect(replica.damagedRecords).toBe(2);
  });

  it("a damaged record stays in doubt under any merge but a whole one, and what is merged is true", () => {
    const { replica, timeline, storage, decideWrite, states, held } = replicaOn(readDelayMs);
    replica.modify(key, decideWrite("v"), () => {});
    const body = (held() as { record: { body: Uint8Array } }).record.body.slice();
    storage.damage({ partition: key.partition, hash: key.hash, key: key.id });
    replica.merge(key, states.parse(body), false, () => {});
    timeline.run(100);
    expect(held()).toMatchObject({ kind: "unknown", damaged: true, record: { inDoubt: true } });
    replica.modify(key, decideWrite("w"), () => {});
    timeline.run(100);
    expect(held()).toMatchObject({ kind: "unknown", damaged: true, record: { inDoubt: true } });
    replica.merge(key, states.parse(body), true, () => {});
    timeline.run(100);
    expect(held()).toMatchObject({ kind: "state", record: { inDoubt: false } });
  });

  it("facts about a state go in its batch, and go all the same when the state brings nothing new", () => {
    const { replica, timeline, decideWrite, batches, states, held } = replicaOn(readDelayMs);
    const meta = [{ name: "hint/1", value: new Uint8Array([1]) }];
    replica.modify(
      key,
      (found) => ({ ...decideWrite("v")(found), meta }),
      () => {},
    );
    timeline.run(100);
    const body = (held() as { record: { body: Uint8Array } }).record.body.slice();
    const named: number[] = [];
    replica.merge(
      key,
      states.parse(body),
      false,
      () => {},
      (merged) => (named.push(merged.length), meta),
    );
    timeline.run(100);
    // The first record of a bucket brings the bucket's number along.
    expect(batches.map(({ records = [], meta: kept = [] }) => [records.length, kept.length])).toEqual([
      [1, 2],
      [0, 1],
    ]);
    expect(named).toEqual([body.length]);
  });

  it("what is removed is gone with its lifetime, and with the facts about it", () => {
    const { replica, timeline, decideWrite, batches, actors, held } = replicaOn(readDelayMs);
    replica.modify(key, decideWrite("v"), () => {});
    timeline.run(100);
    const before = held();
    const statuses: StoredStatus[] = [];
    const meta = [{ name: "hint/1", value: undefined }];
    replica.modify(
      key,
      () => ({ remove: true, meta }),
      (status) => statuses.push(status),
    );
    timeline.run(100);
    expect(statuses).toEqual(["durable"]);
    expect(held()).toEqual({ kind: "absent" });
    expect(batches.at(-1)).toMatchObject({ records: [{ value: undefined }], meta });
    replica.modify(key, decideWrite("w"), () => {});
    timeline.run(100);
    const births = [before, held()].map((each) => (each.kind === "state" ? each.record.lifetime?.birth : undefined));
    expect(births).toEqual([1, 2]);
    expect(actors.next.birth).toBe(3);
  });

  it("a state that remembers more of this node's lifetime than the node does ends the lifetime (TRAPS 2)", () => {
    const { replica, timeline, storage, decideWrite, states, held } = replicaOn(readDelayMs);
    replica.modify(key, decideWrite("v"), () => {});
    timeline.run(100);
    const older = storage.disk.partitions.get(key.partition)?.[0]?.value.slice() as Uint8Array;
    replica.modify(key, decideWrite("w"), () => {});
    const newer = (held() as { record: { body: Uint8Array } }).record.body.slice();
    // The disk forgets the second write: an older record lies there again.
    storage.apply({ records: [{ partition: key.partition, hash: key.hash, key: key.id, value: older }] }, () => {});
    replica.merge(key, states.parse(newer), false, () => {});
    expect(held()).toMatchObject({ kind: "state", record: { lifetime: undefined } });
  });
});
