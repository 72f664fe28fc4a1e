/** The checkers themselves: each rule of CHECKERS.md that the kill tests use sees what it is for, and nothing else. */
import { describe, expect, it } from "vitest";
import { History, type Outcome, type Write } from "./support/operations.js";
import { until } from "./support/until.js";
import { tagOf, valueOf } from "./support/values.js";

/** Clients of one key. */
class Clients {
  readonly history = new History();

  put(outcome: Outcome, ...saw: readonly Write[]): Write {
    return this.#write("put", outcome, saw);
  }

  delete(outcome: Outcome, ...saw: readonly Write[]): Write {
    return this.#write("delete", outcome, saw);
  }

  lost(...found: readonly Write[]): number {
    return this.history.lost("k", found.map(tag)).length;
  }

  returned(...found: readonly Write[]): number {
    return this.history.returned("k", found.map(tag)).length;
  }

  phantoms(...found: readonly string[]): number {
    return this.history.phantoms("k", found).length;
  }

  #write(kind: Write["kind"], outcome: Outcome, saw: readonly Write[]): Write {
    const write = this.history.begin(kind, "k", saw.map(tag));
    this.history.end(write, outcome);
    return write;
  }
}

function tag(write: Write): string {
  return write.tag;
}

describe("C1, lost acknowledged write", () => {
  it("is one that nothing found covers", () => {
    const clients = new Clients();
    const a = clients.put("done");
    const b = clients.put("done");
    expect([clients.lost(), clients.lost(a), clients.lost(b), clients.lost(a, b)]).toEqual([2, 1, 1, 0]);
  });

  it("is none that was seen by what is found, through any number of writes, done or not", () => {
    const clients = new Clients();
    const a = clients.put("done");
    const c = clients.put("done", clients.put("unknown", a));
    expect(clients.lost(c)).toBe(0);
  });

  it("is none that a delete had seen which was done, or may have been", () => {
    for (const [outcome, lost] of [
      ["done", 0],
      ["unknown", 0],
      ["not-done", 1],
    ] as const) {
      const clients = new Clients();
      clients.delete(outcome, clients.put("done"));
      expect([outcome, clients.lost()]).toEqual([outcome, lost]);
    }
    const clients = new Clients();
    clients.put("done");
    clients.delete("done");
    expect(clients.lost()).toBe(1);
  });

  it("is none that was not acknowledged", () => {
    const clients = new Clients();
    clients.put("unknown");
    clients.put("not-done");
    expect(clients.lost()).toBe(0);
  });
});

describe("C3 and C4, what was replaced is back", () => {
  it("sees a value that a done write or delete had seen", () => {
    const clients = new Clients();
    const a = clients.put("done");
    const b = clients.put("done", a);
    expect([clients.returned(b), clients.returned(a)]).toEqual([0, 1]);
    const others = new Clients();
    const c = others.put("done");
    others.delete("done", c);
    expect(others.returned(c)).toBe(1);
  });

  it("sees siblings of which one had seen the other, whatever became of it", () => {
    const clients = new Clients();
    const a = clients.put("done");
    const b = clients.put("unknown", a);
    expect([clients.returned(a, b), clients.returned(a), clients.returned(b)]).toEqual([1, 0, 0]);
  });
});

describe("C5, phantoms", () => {
  it("are values that nobody wrote to this key, that were refused, or that a delete would bear", () => {
    const clients = new Clients();
    const [done, refused, unknown] = [clients.put("done"), clients.put("not-done"), clients.put("unknown")];
    const removal = clients.delete("done", done);
    const elsewhere = clients.history.begin("put", "other", []);
    expect(clients.phantoms(done.tag, unknown.tag)).toBe(0);
    expect(clients.phantoms("nobody's", refused.tag, removal.tag, elsewhere.tag)).toBe(4);
  });
});

describe("C8, stale reads", () => {
  const later = async (): Promise<void> => {
    const nowMs = performance.now();
    await until("the clock goes on", () => performance.now() > nowMs + 1);
  };

  it("are reads that miss a write which was done before they began", async () => {
    const clients = new Clients();
    const a = clients.put("done");
    await later();
    clients.history.read("k", performance.now(), []);
    expect(clients.history.stale().length).toBe(1);
    clients.history.read("k", performance.now(), [a.tag]);
    expect(clients.history.stale().length).toBe(1);
  });

  it("are none that began before, or that a delete explains which was attempted before they ended", async () => {
    const clients = new Clients();
    const startMs = performance.now();
    await later();
    const a = clients.put("done");
    clients.history.read("k", startMs, []);
    clients.delete("unknown", a);
    await later();
    clients.history.read("k", performance.now(), []);
    expect(clients.history.stale()).toEqual([]);
  });
});

describe("C6, values that check themselves", () => {
  it("come back as their tag, whatever their size", () => {
    for (const size of [0, 50, 51, 1000, 65_536]) {
      const value = valueOf("put 7 of k", size);
      expect(value.length).toBe(Math.max(size, "put 7 of k||".length + 32));
      expect(tagOf(value)).toBe("put 7 of k");
    }
    expect(valueOf("a", 100)).not.toEqual(valueOf("b", 100));
  });

  it("do not, when one byte is another, or some are missing", () => {
    const value = valueOf("put 7 of k", 200);
    for (let i = 0; i < value.length; i++) {
      const changed = Buffer.from(value);
      changed[i] = (changed[i] as number) ^ 1;
      expect(() => tagOf(changed)).toThrow("corrupt");
    }
    for (const cut of [value.subarray(0, -1), value.subarray(1), value.subarray(0, 40), Buffer.alloc(0)]) {
      expect(() => tagOf(cut)).toThrow("corrupt");
    }
  });
});
