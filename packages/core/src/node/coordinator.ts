/**
 * The coordinator: turns a client's GET, PUT or DELETE into work for the key's owners (Dynamo §4.5). Any node takes any request; one that does
 * not own the key passes it on, once, to one that does, and where none can be had a sloppy request is coordinated here all the same (§4.6).
 */
import { fail, ok, type Failure } from "../base/failure.js";
import type { KeyId } from "../base/key-id.js";
import { namesOf } from "../base/key-id.js";
import { limits } from "../base/limits.js";
import type { QuorumArg } from "../base/quorum-arg.js";
import { IdempotencyMemory } from "../replication/idempotency-memory.js";
import type { GetCommand, Got, PutCommand, PutDone } from "../wire/messages.js";
import type { Reply } from "./api.js";
import type { NodeContext } from "./context.js";
import { Forwarding } from "./forwarding.js";
import { readKey } from "./get-driver.js";
import { writePlan } from "./quorum-plan.js";
import { recordOf } from "./replica.js";
import { Writes } from "./writes.js";

type Counted = Pick<Got, "needed" | "received" | "fallbacks">;

export class Coordinator {
  readonly #writes: Writes;
  readonly #forwarding: Forwarding;
  readonly #memory = new IdempotencyMemory(limits.operationMemoryMs, limits.idempotencyMemoryMax);

  constructor(readonly node: NodeContext) {
    this.#forwarding = new Forwarding(node);
    this.#writes = new Writes(node);
  }

  get siblingWarnings(): number {
    return this.#writes.siblingWarnings;
  }

  get retiredActors(): number {
    return this.#writes.retiredActors;
  }

  get(command: GetCommand, timeoutMs: number, done: Reply<Got>): void {
    const key = this.node.keyOfId(command.id);
    const deadlineAtMs = this.node.clock.monotonicMs() + timeoutMs;
    if (command.local) return this.#getLocal(key, deadlineAtMs, done);
    const read = (): void => this.#get(key, command, deadlineAtMs, done);
    if (this.node.ownsPartition(key.partition)) return read();
    this.#forwarding.get(key, command, deadlineAtMs, done, this.#mayStandIn(command) ? read : undefined);
  }

  #get(key: KeyId, command: GetCommand, deadlineAtMs: number, done: Reply<Got>): void {
    const order = { key, r: command.r ?? this.#config(key).r, sloppy: command.sloppy, deadlineAtMs };
    readKey(this.node, order, (outcome) => {
      if (!outcome.ok) return done(outcome);
      done(ok(this.#got(key, outcome.value.merged?.body, outcome.value)));
    });
  }

  /** A node that owns nothing of the key may coordinate: as a fallback, when no owner can be had. */
  #mayStandIn(command: GetCommand | PutCommand): boolean {
    return command.sloppy && command.hops === 0 && this.node.settings.hints;
  }

  put(command: PutCommand, timeoutMs: number, reply: Reply<PutDone>): void {
    const key = this.node.keyOfId(command.id);
    const done = this.#remembering(command, reply);
    if (done === undefined) return;
    const problem = this.#putProblem(command);
    if (problem !== undefined) return done({ ok: false, failure: problem });
    const context = this.node.states.openContext(key, command.context);
    if (context === undefined) {
      const detail =
        "the context is malformed, was changed, or is of another key; send the Kvorum-Context of this key's last read or write as it came";
      return done(fail("bad-context", detail));
    }
    const deadlineAtMs = this.node.clock.monotonicMs() + timeoutMs;
    const write = (named: PutCommand, answer: Reply<PutDone>): void => {
      const w = command.w ?? this.#config(key).w;
      const plan = writePlan(this.node, key.partition, w);
      if (!plan.ok) return answer(plan);
      this.#writes.start({ key, command: named, context, w, deadlineAtMs }, answer);
    };
    if (this.node.ownsPartition(key.partition)) return write(command, done);
    this.#forwarding.put(key, command, deadlineAtMs, done, this.#mayStandIn(command) ? write : undefined);
  }

  /** Whether a quorum's word is that the key has a value. */
  isLive(id: Uint8Array, deadlineAtMs: number, done: Reply<boolean>): void {
    const command: GetCommand = { kind: "get", id, r: "quorum", sloppy: false, local: false, hops: 0 };
    this.get(command, deadlineAtMs - this.node.clock.monotonicMs(), (outcome) => {
      if (!outcome.ok) return done(outcome);
      const { body } = outcome.value;
      done(ok(body.length > 0 && this.node.states.liveCount(body, this.node.clock.wallMs()) > 0));
    });
  }

  #getLocal(key: KeyId, deadlineAtMs: number, reply: Reply<Got>): void {
    let answered = false;
    const done: Reply<Got> = (outcome) => {
      deadline.cancel();
      if (!answered) reply(outcome);
      answered = true;
    };
    const deadline = this.node.deadlines.at(deadlineAtMs, () =>
      done(fail("quorum-not-met", "this node's disk did not answer in time", "none", { needed: 1, received: 0 })),
    );
    this.node.replica.load(key, (held) => {
      const record = recordOf(held);
      if (held.kind === "unknown" && record === undefined) {
        const detail =
          "this node can't tell: the key's record here is damaged or its partition is still being filled; ask without local";
        return done(fail("quorum-not-met", detail, "none", { needed: 1, received: 0 }));
      }
      done(ok(this.#got(key, record?.body, { needed: 1, received: 1, fallbacks: 0 })));
    });
  }

  #got(key: KeyId, body: Uint8Array | undefined, counted: Counted): Got {
    const { states, clock } = this.node;
    const { needed, received, fallbacks } = counted;
    const nothing = new Uint8Array();
    if (body === undefined) return { kind: "got", body: nothing, context: nothing, needed, received, fallbacks };
    // What has expired by this node's clock is not sent: a client's clock need not be right.
    const nowMs = this.node.plants.has("expired-is-shown") ? 0 : clock.wallMs();
    const shown = states.shown(body, this.node.modeOf(key.id), nowMs);
    const context = states.sealContextOf(key, shown.state);
    return { kind: "got", body: shown.body, context, needed, received, fallbacks };
  }

  /** Notes the idempotency key. One that was used for another write is refused; one whose write never started is free again. */
  #remembering(command: PutCommand, reply: Reply<PutDone>): Reply<PutDone> | undefined {
    const { operation } = command;
    if (operation === undefined || command.hops > 0) return reply;
    const id = operation.id.join(".");
    const end = this.#memory.use(id, operation.check, this.node.clock.monotonicMs());
    if (end !== undefined) {
      return (outcome) => {
        end(outcome.ok || outcome.failure.effect === "unknown");
        reply(outcome);
      };
    }
    const detail =
      "this Idempotency-Key was used for a write of another key, context or body; send a new key with a new write";
    reply(fail("idempotency-mismatch", detail));
    return undefined;
  }

  #putProblem(command: PutCommand): Failure | undefined {
    const { valueBytesMax } = this.node.settings;
    const size = command.value?.length ?? 0;
    if (size <= valueBytesMax) return undefined;
    return fail("too-large", `the value is ${size} bytes, at most ${valueBytesMax} are taken`).failure;
  }

  #config(key: KeyId): { readonly r: QuorumArg; readonly w: QuorumArg } {
    return this.node.bucketConfig(namesOf(this.node.primitives, key.id).bucket);
  }
}
