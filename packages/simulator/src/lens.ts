/** Reads what nodes answer and store: states, contexts and records in the form in which checkers compare them. It asks nobody and changes nothing. */
import { decodeRecord, formatDot, standing } from "@kvorum/core";
import type { CausalContext, Dot, KeyState, LocalRecord, Node, VersionVector } from "@kvorum/core";
import { nameOf, type History, type Operation, type Returned, type Version } from "./history.js";
import type { World } from "./world/world.js";
import { tagOf } from "./workload/values.js";

/** What stands in a value's place when its bytes are not as they were written. */
export const CORRUPT = "corrupt!";

const NOBODY: readonly string[] = [];

export class Lens {
  #states: Node["states"] | undefined;
  /** Several checkers look at one answer. */
  #last: { readonly body: Uint8Array; readonly state: KeyState } | undefined;

  constructor(
    readonly world: World,
    readonly history: History,
  ) {
    this.#lookForCodec();
  }

  state(body: Uint8Array): KeyState {
    if (this.#last?.body === body) return this.#last.state;
    const state = body.length === 0 ? this.#codec.stateOf(undefined) : this.#codec.decode(body);
    this.#last = { body, state };
    return state;
  }

  /** What a context covers; undefined for one that is refused. */
  context(bucket: string, key: string, token: Uint8Array): CausalContext | undefined {
    return this.#codec.openContext(this.world.keyOf(bucket, key), token);
  }

  /** The record that is proven on a member's disk; undefined where there is none, or none that can be read. */
  flushed(node: string, bucket: string, key: string): LocalRecord | undefined {
    return this.#record(this.world.flushed(node, bucket, key), bucket, key);
  }

  stored(node: string, bucket: string, key: string): LocalRecord | undefined {
    return this.#record(this.world.stored(node, bucket, key), bucket, key);
  }

  /** A record lies there that nobody can read. */
  isUnreadable(node: string, bucket: string, key: string): boolean {
    return this.world.stored(node, bucket, key) !== undefined && this.stored(node, bucket, key) === undefined;
  }

  /** With one owner nobody can say what its damaged record was. */
  hasOneOwner(bucket: string, key: string): boolean {
    return this.owners(bucket, key).length === 1;
  }

  /** No record lies there, or one that is marked as reaped: it counts as none. */
  holdsNothing(node: string, bucket: string, key: string): boolean {
    return this.world.stored(node, bucket, key) === undefined || this.stored(node, bucket, key)?.reaped === true;
  }

  /** The versions that a reader of the state sees, tombstones included. */
  versions(name: string, state: KeyState): Returned[] {
    return standing(state).map((sibling) => {
      const dot = formatDot(sibling.dot);
      const tag = sibling.deleted
        ? (this.history.makerOf(name, dot)?.tag ?? "")
        : (tagOf(this.world.primitives, sibling.value) ?? CORRUPT);
      return { tag, dot, stamp: sibling.stamp, deleted: sibling.deleted };
    });
  }

  /** The acknowledged version with this stamp, looked for on the owners' disks; only its stamp, where it was replaced already. */
  versionStamped(operation: Operation, stamp: number): Version | undefined {
    const { bucket, key } = operation;
    const name = nameOf(operation);
    for (const owner of this.owners(bucket, key)) {
      const record = this.stored(owner, bucket, key);
      const versions = record === undefined ? [] : this.versions(name, this.state(record.body));
      // Two members may give two writes one stamp.
      const own = versions.find((each) => {
        return each.stamp === stamp && (each.deleted ? operation.kind === "delete" : each.tag === operation.tag);
      });
      if (own !== undefined) return { dot: own.dot, stamp };
    }
    return operation.lww ? { dot: "", stamp } : undefined;
  }

  /** Members that own the key, as any node that is up sees it: old and new ones while the key changes hands. */
  owners(bucket: string, key: string): readonly string[] {
    return this.ownersOf(this.world.keyOf(bucket, key).partition);
  }

  ownersOf(partition: number): readonly string[] {
    const owners: string[] = [];
    for (const name of this.world.standing) {
      for (const owner of this.world.node(name)?.placement(partition).all ?? NOBODY) {
        if (!owners.includes(owner)) owners.push(owner);
      }
    }
    return owners;
  }

  /** At once, too: an answer may arrive when all the members that were ever up are down again. */
  #lookForCodec(): void {
    for (const name of this.world.names) this.#states ??= this.world.node(name)?.states;
  }

  #record(bytes: Uint8Array | undefined, bucket: string, key: string): LocalRecord | undefined {
    const { primitives } = this.world;
    return bytes && decodeRecord(primitives, this.world.keyOf(bucket, key).hash, bytes);
  }

  /** Any node's: the cluster's secret and formats are the same on all, and outlive their processes. */
  get #codec(): Node["states"] {
    this.#lookForCodec();
    if (this.#states === undefined) throw new Error("no member was ever up");
    return this.#states;
  }
}

export const EMPTY_TOKEN = new Uint8Array();

/** The dots that `after` covers and `before` does not, as far as one more event each goes: the newest of every chain that moved. */
export function newDots(before: VersionVector, after: VersionVector): readonly Dot[] {
  const dots: Dot[] = [];
  for (const [actor, n] of after.entries()) if (n > before.get(actor)) dots.push({ actor, n });
  return dots;
}
