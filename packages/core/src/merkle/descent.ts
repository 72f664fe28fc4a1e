/**
 * The way down from one sum over everything to the keys that differ, as one side of an exchange goes it (Dynamo §4.7): what is the same is left
 * alone, so d differing keys cost O(d · depth) however many there are. Depth first, so that what waits stays small.
 */
import { assert } from "../base/assert.js";
import type { Forest } from "./forest.js";
import type { PartitionSet } from "./partition-set.js";
import { childOf, FANOUT, partitionsUnder, ROOT, topLevel, type Prefix } from "./prefix.js";
import { NO_DIGEST } from "./sum.js";

/** What the other side is asked about a node that differs: its children, or the keys below it. */
export interface Question extends Prefix {
  readonly keys: boolean;
}

export interface KeyDigest {
  readonly hash: bigint;
  readonly digest: bigint;
}

export type NodeAnswer =
  | { readonly kind: "children"; readonly sums: readonly bigint[] }
  | { readonly kind: "keys"; readonly keys: readonly KeyDigest[] };

/** Keys below a node that differs, as the other side has them. */
export interface DifferingLeaf {
  readonly prefix: Prefix;
  readonly theirs: readonly KeyDigest[];
}

/** {@link NO_DIGEST} where a side has no state that counts. */
export interface Difference {
  readonly hash: bigint;
  readonly mine: bigint;
  readonly theirs: bigint;
}

/** Nodes that one message asks about. */
export const QUESTIONS_AT_ONCE = 64;
/** Keys that one answer lists. A longer list ends there, and what is behind it is for another exchange. */
export const LISTED_KEYS_MAX = 16_384;

export class Descent {
  readonly #waiting: Prefix[] = [ROOT];
  #asked: readonly Question[] = [];
  /** Something was not looked into: the tree of a partition came into question meanwhile. */
  isIncomplete = false;

  constructor(
    readonly forest: Forest,
    readonly partitions: PartitionSet,
  ) {}

  /** What to ask next; nothing when the way down is at its end. */
  next(): readonly Question[] {
    const questions: Question[] = [];
    while (questions.length < QUESTIONS_AT_ONCE) {
      const prefix = this.#waiting.pop();
      if (prefix === undefined) break;
      if (this.#canLookInto(prefix)) questions.push({ ...prefix, keys: endsAt(this.forest, prefix) });
    }
    this.#asked = questions;
    return questions;
  }

  /** The answers to what {@link next} gave, in its order. Gives the leaves that differ; undefined for what is no answer to that. */
  answer(nodes: readonly NodeAnswer[]): readonly DifferingLeaf[] | undefined {
    if (nodes.length !== this.#asked.length) return undefined;
    const leaves: DifferingLeaf[] = [];
    for (const [index, prefix] of this.#asked.entries()) {
      const node = nodes[index];
      if (node?.kind === "keys") leaves.push({ prefix, theirs: node.keys });
      else if (node === undefined || prefix.keys) return undefined;
      else this.#compare(prefix, node.sums);
    }
    return leaves;
  }

  #canLookInto(prefix: Prefix): boolean {
    const can = hasTrees(this.forest, this.partitions, prefix);
    if (!can) this.isIncomplete = true;
    return can;
  }

  #compare(prefix: Prefix, theirs: readonly bigint[]): void {
    if (!this.#canLookInto(prefix)) return;
    for (const [index, sum] of theirs.entries()) {
      const child = childOf(prefix, index);
      if (this.forest.sum(this.partitions, child) !== sum) this.#waiting.push(child);
    }
  }
}

/** The other side's part: the sums of a node's children, or the word that the keys below it are to be listed; undefined for a senseless question. */
export function answerTo(
  forest: Forest,
  partitions: PartitionSet,
  question: Question,
): NodeAnswer | "list" | undefined {
  if (!hasTrees(forest, partitions, question)) return undefined;
  if (endsAt(forest, question)) return "list";
  if (question.keys) return question.level < topLevel(forest.partitionBits) ? undefined : "list";
  const sums = Array.from({ length: FANOUT }, (_, index) => forest.sum(partitions, childOf(question, index)));
  return { kind: "children", sums };
}

/** What differs between two lists of keys that begin with one prefix. */
export function differencesOf(mine: readonly KeyDigest[], theirs: readonly KeyDigest[]): Difference[] {
  const here = new Map(mine.map(({ hash, digest }) => [hash, digest]));
  const there = new Map(theirs.map(({ hash, digest }) => [hash, digest]));
  const differences: Difference[] = [];
  for (const [hash, digest] of here) {
    const other = there.get(hash) ?? NO_DIGEST;
    if (other !== digest) differences.push({ hash, mine: digest, theirs: other });
  }
  for (const [hash, digest] of there) {
    if (!here.has(hash) && digest !== NO_DIGEST) differences.push({ hash, mine: NO_DIGEST, theirs: digest });
  }
  return differences;
}

/** Each of the partitions below the prefix has its tree. */
function hasTrees(forest: Forest, partitions: PartitionSet, prefix: Prefix): boolean {
  const { from, to } = partitionsUnder(prefix, forest.partitionBits);
  for (let partition = from; partition <= to; partition++) {
    if (partitions.has(partition) && !forest.has(partition)) return false;
  }
  return true;
}

/** Below the prefix this side has no nodes. */
function endsAt(forest: Forest, prefix: Prefix): boolean {
  if (prefix.level < topLevel(forest.partitionBits)) return false;
  const { from } = partitionsUnder(prefix, forest.partitionBits);
  assert(forest.has(from), "a tree that is asked about is there");
  return prefix.level >= forest.levelOf(from);
}
