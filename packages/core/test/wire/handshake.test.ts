/** "Two clusters never mix": what each side of a connection makes of every first and later frame. */
import { describe, expect, test } from "vitest";
import { MalformedError } from "../../src/base/bytes.js";
import { NO_CLUSTER, type Frame } from "../../src/wire/frame.js";
import { clusterText, FOREIGN_CLUSTER, Handshake } from "../../src/wire/handshake.js";
import type { Hello, Message } from "../../src/wire/messages.js";

const OURS = 0xabn;
const THEIRS = 0xcdn;

function frame(clusterId: bigint, message: Message): Frame {
  return { clusterId, envelope: { requestId: 0, deadlineMs: 0, message } };
}

const hello = (role: Hello["role"]): Hello => ({ kind: "hello", role, name: "n", instance: 1 });

function handshake(side: "opener" | "acceptor", own: bigint, refusal?: string): Handshake {
  return new Handshake(side, { clusterId: () => own, admit: () => refusal });
}

describe("the side that accepted", () => {
  const table: [own: bigint, theirs: bigint, role: Hello["role"], taken: boolean][] = [
    [OURS, OURS, "member", true],
    [OURS, THEIRS, "member", false],
    [OURS, NO_CLUSTER, "member", false],
    [OURS, NO_CLUSTER, "joiner", true],
    [OURS, NO_CLUSTER, "client", true],
    [OURS, THEIRS, "joiner", false],
    [OURS, THEIRS, "client", false],
    [OURS, OURS, "client", true],
    [NO_CLUSTER, OURS, "member", false],
    [NO_CLUSTER, OURS, "client", false],
    [NO_CLUSTER, NO_CLUSTER, "joiner", true],
  ];
  for (const [own, theirs, role, taken] of table) {
    test(`of cluster ${clusterText(own)} ${taken ? "takes" : "refuses"} a ${role} of ${clusterText(theirs)}`, () => {
      expect(handshake("acceptor", own).judge(frame(theirs, hello(role)))).toBe(taken ? "greeted" : "refuse");
    });
  }

  test("holds every later frame to the same rule", () => {
    const member = handshake("acceptor", OURS);
    member.judge(frame(OURS, hello("member")));
    expect(member.judge(frame(OURS, { kind: "ring" }))).toBe("deliver");
    expect(member.judge(frame(NO_CLUSTER, { kind: "ring" }))).toBe("refuse");
    expect(member.judge(frame(THEIRS, { kind: "ring" }))).toBe("refuse");
    expect(member.reason.startsWith(FOREIGN_CLUSTER)).toBe(true);
  });

  test("asks the host, whose reason goes to the other side", () => {
    const refusing = handshake("acceptor", OURS, "removed");
    expect(refusing.judge(frame(OURS, hello("member")))).toBe("refuse");
    expect(refusing.reason).toBe("removed");
    expect(refusing.hello).toBeUndefined();
  });

  test("takes nothing before a greeting, and no second one", () => {
    const one = handshake("acceptor", OURS);
    expect(() => one.judge(frame(OURS, { kind: "ring" }))).toThrow(MalformedError);
    one.judge(frame(OURS, hello("member")));
    expect(() => one.judge(frame(OURS, hello("member")))).toThrow(MalformedError);
  });
});

describe("the side that opened", () => {
  test("does not ask the host about whom it dialled", () => {
    expect(handshake("opener", OURS, "removed").judge(frame(OURS, hello("member")))).toBe("greeted");
  });

  test("of no cluster is answered by any, of one by that alone", () => {
    expect(handshake("opener", NO_CLUSTER).judge(frame(THEIRS, hello("member")))).toBe("greeted");
    expect(handshake("opener", OURS).judge(frame(THEIRS, hello("member")))).toBe("refuse");
    expect(handshake("opener", OURS).judge(frame(NO_CLUSTER, hello("joiner")))).toBe("refuse");
  });

  test("hears a refusal from any cluster, greeted or not", () => {
    const one = handshake("opener", OURS);
    expect(one.judge(frame(THEIRS, { kind: "refused", reason: "no" }))).toBe("refused");
    expect(one.reason).toBe("no");
  });
});
