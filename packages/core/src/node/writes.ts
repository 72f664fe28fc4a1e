/** What a PUT or DELETE does to a key's state at its coordinator: looks before it writes where it must, then mints one dot (DESIGN §4, §5). */
import { fail, ok, type Failure, type Outcome } from "../base/failure.js";
import { stampAt } from "../base/hlc.js";
import type { KeyId } from "../base/key-id.js";
import { limits } from "../base/limits.js";
import type { QuorumArg } from "../base/quorum-arg.js";
import { expiryAt } from "../base/ttl.js";
import { contextOf, contextOfAdopted, type CausalContext } from "../versions/context.js";
import { EMPTY_STATE, live, type KeyState } from "../versions/key-state.js";
import { findOperation, type KnownOperation } from "../versions/retries.js";
import { stampFloor, write } from "../versions/write.js";
import type { PutCommand, PutDone } from "../wire/messages.js";
import type { Reply } from "./api.js";
import type { NodeContext } from "./context.js";
import { readKey, type ReadResult } from "./get-driver.js";
import { PutDriver } from "./put-driver.js";
import { writePlan, type WritePlan } from "./quorum-plan.js";
import { recordOf, type Change, type Held } from "./replica.js";
import type { Copy } from "./states.js";

export interface WriteOrder {
  readonly key: KeyId;
  readonly command: PutCommand;
  readonly context: CausalContext;
  readonly w: QuorumArg;
  readonly deadlineAtMs: number;
}

type Decision = Outcome<{ readonly change: Change; readonly value: CausalContext }>;

export class Writes {
  siblingWarnings = 0;
  retiredActors = 0;

  constructor(readonly node: NodeContext) {}

  start(asked: WriteOrder, reply: Reply<PutDone>): void {
    const forgets = this.node.plants.has("retry-mints-second-dot");
    const order = forgets ? { ...asked, command: { ...asked.command, operation: undefined } } : asked;
    const { command, key, deadlineAtMs } = order;
    const isBlindDelete = command.value === undefined && command.context.length === 0;
    if (!command.ifAbsent && !isBlindDelete && command.operation?.maybeRetry !== true) {
      this.#write(order, undefined, reply);
      return;
    }
    // Nobody promises that a first attempt is found, so no owner need have said that there was none.
    const isUnprovenFine = !command.ifAbsent && !isBlindDelete;
    const read = { key, r: "quorum", sloppy: command.sloppy, isUnprovenFine, deadlineAtMs } as const;
    readKey(this.node, read, (outcome) => {
      if (!outcome.ok) return reply(this.#notLooked(order, outcome.failure));
      this.#writeAfterRead(order, isBlindDelete, outcome.value, reply);
    });
  }

  /** Nothing was started now; but a retry that could not look for its first attempt knows nothing of what that one did. */
  #notLooked({ command }: WriteOrder, failure: Failure): Outcome<never> {
    const effect = command.operation?.maybeRetry === true ? "unknown" : "none";
    return { ok: false, failure: { ...failure, effect } };
  }

  /** A quorum has said what it holds: a retry finds its first attempt, a creator finds what exists, a delete what it removes. */
  #writeAfterRead(order: WriteOrder, isBlindDelete: boolean, read: ReadResult, reply: Reply<PutDone>): void {
    const seen = read.merged;
    const state = this.node.states.stateOf(seen);
    const known = this.#known(order.command, state);
    if (known?.kind === "same") return this.#write(order, seen, reply);
    const isLive = live(state, this.node.clock.wallMs()).length > 0;
    if (order.command.ifAbsent && isLive) {
      return reply(fail("exists", "the key has a value already, and If-None-Match: * asks to create it"));
    }
    if (isBlindDelete && !isLive) return reply(ok(this.#done(order, contextOf(state), read)));
    const covers = order.command.ifAbsent || isBlindDelete;
    this.#write(covers ? { ...order, context: union(order.context, contextOf(state)) } : order, undefined, reply);
  }

  /** `earlier`: the state in which a retry's first attempt was found; it is merged here, so that it comes to stand on W disks. */
  #write(order: WriteOrder, earlier: Copy | undefined, reply: Reply<PutDone>): void {
    const { key, w, deadlineAtMs } = order;
    const { sloppy } = order.command;
    const plan = (): Outcome<WritePlan> => writePlan(this.node, key.partition, w);
    const driver = new PutDriver<CausalContext>(this.node, { key, plan, sloppy, deadlineAtMs }, (outcome) => {
      if (!outcome.ok) return reply(outcome);
      reply(ok(this.#done(order, outcome.value.value, outcome.value)));
    });
    driver.start((held) => this.#decide(order, earlier, held));
  }

  #done(
    order: WriteOrder,
    context: CausalContext,
    { needed, received, fallbacks }: Pick<PutDone, "needed" | "received" | "fallbacks">,
  ): PutDone {
    const token = this.node.states.sealContext(order.key, context);
    return { kind: "put-done", context: token, needed, received, fallbacks };
  }

  #decide(order: WriteOrder, earlier: Copy | undefined, held: Held): Decision {
    const { states, actors } = this.node;
    const record = recordOf(held);
    const inDoubt = held.kind === "unknown" && held.damaged;
    const lifetime = actors.inForce(record?.lifetime);
    if (earlier !== undefined) {
      // The first attempt is known: nothing is minted. What is found is merged and spread again, until it is on W disks.
      const mode = this.node.modeOf(order.key.id);
      const found = states.parse(earlier.body);
      const mine = record && states.parse(record.body);
      const merged = mine === undefined ? found : states.join(mine, found, mode);
      const kept = mine && this.node.replica.lifetimeAfter(lifetime, mine.state, merged.state);
      const adopted = this.#adopted(order, merged.state);
      if (adopted?.ok) return ok({ change: { body: merged.body, inDoubt, lifetime: kept }, value: adopted.value });
    }
    const state = record === undefined ? EMPTY_STATE : states.decode(record.body);
    const adopted = this.#adopted(order, state);
    if (adopted?.ok === false) return adopted;
    if (adopted !== undefined && record !== undefined) {
      return ok({ change: { body: record.body, inDoubt, lifetime }, value: adopted.value });
    }
    return this.#mint(order, state, { inDoubt, lifetime });
  }

  #mint(order: WriteOrder, state: KeyState, local: Omit<Change, "body">): Decision {
    const { actors, clock, identity, states, self, plants } = this.node;
    const { command } = order;
    const context = plants.has("blind-replaces") ? union(order.context, contextOf(state)) : order.context;
    const mode = this.node.modeOf(order.key.id);
    const fresh = actors.next;
    // Among siblings a stamp is for people: no clock decides, so none is worth refusing a write.
    // An expiry does: one set by a clock that runs ahead would hide a value before its time.
    const expiresAtMs = command.value && expiryAt(clock.wallMs(), command.ttlSeconds, this.node.ttlOf(order.key.id));
    const asksClock = mode === "lww" || expiresAtMs !== undefined;
    const stamp = this.node.stamp(stampFloor(state, context)) ?? (asksClock ? undefined : stampAt(clock.wallMs()));
    if (stamp === undefined) {
      const detail = `this node's clock is more than ${limits.clockSkewMaxMs} ms from the other members' or from what the key was stamped with; mend the clocks, or ask another node`;
      return fail("clock-skew", detail);
    }
    const written = write(state, {
      mode,
      instance: identity.instance,
      lifetime: local.lifetime,
      fresh,
      context,
      stamp,
      deleted: command.value === undefined,
      contentType: command.contentType,
      value: command.value ?? new Uint8Array(),
      ...(expiresAtMs !== undefined && { expiresAtMs }),
      origin: {
        node: self,
        fallback: !this.node.ownsPartition(order.key.partition),
        context: command.context.length > 0,
      },
      ...(command.operation && { operation: { id: command.operation.id, check: command.operation.check } }),
      isCurrentInstance: (instance) =>
        this.node.membership.roster.members().some((member) => member.instance === instance),
    });
    const refused = this.#tooManySiblings(state, written.state, command);
    if (refused !== undefined) return refused;
    if (written.lifetime === fresh) actors.take();
    this.retiredActors += written.retired;
    const change = { body: states.encode(written.state), inDoubt: local.inDoubt, lifetime: written.lifetime };
    if (plants.has("context-covers-unseen")) return ok({ change, value: contextOf(written.state) });
    return ok({ change, value: written.context });
  }

  /** Siblings are bounded on the client's path only, and a write that covers some is always taken. */
  #tooManySiblings(before: KeyState, after: KeyState, command: PutCommand): Decision | undefined {
    const nowMs = this.node.clock.wallMs();
    const count = live(after, nowMs).length;
    if (count > limits.siblingsWarn) this.siblingWarnings++;
    const { siblingsMax } = this.node.settings;
    if (command.value === undefined || count <= siblingsMax || count <= live(before, nowMs).length) return undefined;
    const detail = `the key has ${count - 1} siblings, at most ${siblingsMax} are kept; GET it, resolve them, and PUT the result with the Kvorum-Context of that GET`;
    return fail("too-many-siblings", detail);
  }

  /** The context for a retry that finds its first attempt in `state`; a failure where its id was used for another write. */
  #adopted(order: WriteOrder, state: KeyState): Outcome<CausalContext> | undefined {
    const known = this.#known(order.command, state);
    if (known === undefined) return undefined;
    if (known.kind === "same") return ok(contextOfAdopted(order.context, known.dot, known.stamp));
    const detail =
      "this Idempotency-Key was used for a write of another context or body; send a new key with a new write";
    return fail("idempotency-mismatch", detail);
  }

  #known(command: PutCommand, state: KeyState): KnownOperation | undefined {
    if (command.operation === undefined) return undefined;
    return findOperation(state, command.operation, this.node.clock.wallMs() - limits.operationMemoryMs);
  }
}

function union(a: CausalContext, b: CausalContext): CausalContext {
  return { vector: a.vector.union(b.vector), stamp: a.stamp > b.stamp ? a.stamp : b.stamp };
}
