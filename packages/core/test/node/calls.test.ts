/** Requests and their replies (TRAPS 6, 11): each is answered once, by the one that was asked. */
import { describe, expect, it } from "vitest";
import { Calls, type NoReply } from "../../src/node/calls.js";
import { Tides } from "../../src/replication/tides.js";
import type { Envelope, Hello, Message } from "../../src/wire/messages.js";

const ask: Message = { kind: "ring" };
const stored: Message = { kind: "stored", status: "durable" };
const hello = (instance: number): Hello => ({ kind: "hello", role: "member", name: "n", instance });
const at = (instance: number, address = "a:1"): { instance: number; address: string } => ({ instance, address });

function calls(send: (to: string, envelope: Envelope) => boolean = () => true) {
  const clock = { monotonicMs: () => 0, wallMs: () => 0, after: () => () => {} };
  return new Calls({ send, close: (done) => done() }, clock, new Tides(1_000, 0));
}

describe("calls", () => {
  it("answer each request once: duplicates and late replies find nobody", () => {
    const asked = calls();
    const heard: (Message | NoReply)[] = [];
    const id = asked.ask(at(1), ask, 100, (reply) => heard.push(reply));
    expect(asked.answer(id, stored, hello(1))).toBe(true);
    expect(asked.answer(id, stored, hello(1))).toBe(false);
    asked.lost("a:1", true);
    expect(heard).toEqual([stored]);
    expect(asked.pending).toBe(0);
  });

  it("take no reply from another instance that has come to live at the address", () => {
    const asked = calls();
    const heard: (Message | NoReply)[] = [];
    const id = asked.ask(at(1), ask, 100, (reply) => heard.push(reply));
    asked.answer(id, stored, hello(2));
    expect(heard).toEqual([{ kind: "lost" }]);
  });

  it("tell whether a lost request can have been acted on", () => {
    const asked = calls();
    const heard: (Message | NoReply)[] = [];
    asked.ask(at(1, "a:1"), ask, 100, (reply) => heard.push(reply));
    asked.lost("b:1", true);
    expect(heard).toEqual([]);
    asked.lost("a:1", false);
    asked.ask(at(1, "a:1"), ask, 100, (reply) => heard.push(reply));
    asked.lost("a:1", true);
    expect(heard).toEqual([{ kind: "unsent" }, { kind: "lost" }]);
  });

  it("do not take a request made while others are told of a loss for one of those", () => {
    const asked = calls();
    const heard: string[] = [];
    asked.ask(at(1), ask, 100, (first) => {
      heard.push(`first ${first.kind}`);
      asked.ask(at(1), ask, 100, (again) => heard.push(`again ${again.kind}`));
    });
    asked.lost("a:1", false);
    expect(heard).toEqual(["first unsent"]);
    expect(asked.pending).toBe(1);
  });

  it("tell once of a request that is lost while it is sent", () => {
    const heard: (Message | NoReply)[] = [];
    const asked: Calls = calls((to) => {
      asked.lost(to, false);
      return false;
    });
    expect(asked.ask(at(1), ask, 100, (reply) => heard.push(reply))).toBe(0);
    expect(heard).toEqual([{ kind: "unsent" }]);
  });
});
