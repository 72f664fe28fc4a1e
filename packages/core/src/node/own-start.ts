/**
 * The start that this node is in: what it says of itself, how it is proven to follow the last one (decision 25), and what it leaves on disk for
 * the next.
 */
import { limits } from "../base/limits.js";
import type { StartMark, StartWord } from "../wire/reap-messages.js";
import { encodeBoot, provisionalBirth, type BootRecord } from "./actors.js";
import { askWithin } from "./asking.js";
import type { NodeContext } from "./context.js";
import { encodeDisowned } from "./identity.js";
import { refusals } from "./refusals.js";
import { SelfProof } from "./self-proof.js";

export interface OwnStartOptions {
  readonly node: NodeContext;
  /** This start's record, on disk already. */
  readonly boot: BootRecord;
  /** What it drew: it is told by that from a start of a copy of the folder that is counted alike. */
  readonly drawn: number;
  readonly hasEnded: () => boolean;
  /** This node is not who it says it is, or another says the same: it must end. */
  readonly onDisowned: (reason: string) => void;
}

export class OwnStart {
  readonly #options: OwnStartOptions;
  readonly #proof: SelfProof;
  /** Starts that nobody has proven yet, this one included: what the next start will ask about too. */
  #unproven: readonly StartMark[];
  /** Somebody else minted with this instance's actors: none of them may go on after a restart. */
  #isImitated = false;

  constructor(options: OwnStartOptions) {
    this.#options = options;
    const { node, boot } = options;
    this.#unproven = boot.unproven;
    this.#proof = new SelfProof(
      {
        clock: node.clock,
        others: () => node.membership.roster.members().flatMap(({ name }) => (name === node.self ? [] : [name])),
        ask: (name, done) => this.#ask(name, done),
        onOld: () => this.disown(refusals.copied(node.self)),
        onOver: (inTime) => this.#proven(inTime),
      },
      boot.boot > 1 && !node.plants.has("old-copy-believed"),
    );
    if (this.#proof.isOpen) node.actors.doubt(provisionalBirth(node.rng.fork("births").float()));
  }

  /** Whether this folder is an old copy of itself is not known yet. */
  get isInDoubt(): boolean {
    return this.#proof.isOpen;
  }

  /** This start, and before it those that nobody had proven when it began. */
  get marks(): readonly StartMark[] {
    const { boot, drawn } = this.#options;
    return boot.unproven.length > 0 ? boot.unproven : [{ boot: boot.boot, start: drawn }];
  }

  /** The members are known: asks them. */
  begin(): void {
    this.#proof.begin();
  }

  /** Asks those who have not said anything yet. */
  ask(): void {
    this.#proof.ask();
  }

  stop(): void {
    this.#proof.stop();
  }

  /** What it leaves for the next one. `clean`: all that it minted is on disk, or known not to be. */
  lastWords(clean: boolean): BootRecord {
    const { node } = this.#options;
    return { ...node.actors.closing(clean && !this.#isImitated), unproven: this.#unproven };
  }

  /** Something was lost here and nobody knows what: no actor that lived until now mints again (DESIGN §4). */
  retireActors(): void {
    this.#options.node.actors.retireAll();
    this.#keep();
  }

  /** Another speaks as this instance, or this folder is an old copy: the node ends, and never starts again as that one, however often it is tried. */
  disown(reason: string): void {
    const { node, hasEnded, onDisowned } = this.#options;
    this.#isImitated = true;
    if (hasEnded()) return;
    node.storage.apply({ meta: [encodeDisowned(node.primitives, reason)] }, () => {});
    onDisowned(reason);
  }

  #keep(): void {
    const { storage, primitives } = this.#options.node;
    storage.apply({ meta: [encodeBoot(primitives, this.lastWords(false))] }, () => {});
  }

  #ask(name: string, done: (word: StartWord) => void): void {
    const { node } = this.#options;
    const message = { kind: "start", instance: node.identity.instance, starts: this.marks } as const;
    askWithin(node, name, message, limits.selfProofMs, (reply) =>
      done(reply.kind === "start-said" ? reply.word : "unknown"),
    );
  }

  #proven(inTime: boolean): void {
    const { node } = this.#options;
    if (inTime) {
      this.#unproven = [];
      this.#keep();
      return node.actors.proven();
    }
    if (node.membership.roster.members().length > 1)
      node.log(
        "warn",
        "no other member could say that this data folder is not an old copy; going on with new actors",
        {},
      );
  }
}
