/**
 * Which faults are allowed now. What a quorum has on disk outlives the loss of any one disk, and of no two: so that whatever is lost in a run
 * is a finding, at most one copy of anything may be gone or damaged at a time, and the next one only when that is mended.
 */
import { decodeRecord, type KeyId } from "@kvorum/core";
import type { SimulatedWorld } from "../world/simulated-world.js";

export class Atlas {
  /** Members whose disk was emptied and that have not got everything back. */
  readonly #wiped = new Set<string>();
  /** Records that were damaged, with their member: `member bucket/key`. */
  readonly #damaged = new Map<string, { readonly node: string; readonly key: KeyId }>();

  /** The member whose log has had bits flipped: its folder may be refused at any start from now on, and then all that is on it is gone. */
  #fragile: string | undefined;
  #losses = 0;
  #isLastTaken = false;

  constructor(
    readonly world: SimulatedWorld,
    /** The fewest disks that any acknowledged write of this run may stand on. */
    readonly leastCopies: number,
    /** Some of them may be fallbacks', which nobody fills again when they are lost. */
    readonly sloppy = false,
  ) {}

  /** While hints are about, the first loss of a run is the last one too: which copies are left nobody can tell. */
  #mayLose(): boolean {
    return !this.sloppy || (!this.#isLastTaken && (this.#losses === 0 || !this.#isOwing()));
  }

  #isOwing(): boolean {
    return this.world.standing.some((name) => (this.world.node(name)?.hints.queue.count ?? 1) > 0);
  }

  #lost(): void {
    this.#losses++;
    if (this.#isOwing()) this.#isLastTaken = true;
  }

  /** Whether this member may lose its disk: every other copy of what is on it must be sound, or come back sound. */
  mayWipe(name: string): boolean {
    this.#forgetMended();
    const othersDamaged = [...this.#damaged.values()].some(({ node }) => node !== name);
    return this.#maySpare(name) && this.#wiped.size === 0 && !othersDamaged && this.#mayLose();
  }

  #maySpare(name: string): boolean {
    return this.leastCopies >= 2 && (this.#fragile ?? name) === name;
  }

  mayDamage(name: string, key: KeyId): boolean {
    this.#forgetMended();
    const isElsewhere = this.world.names.some((other) => other !== name && this.#isDamaged(other, key));
    const isAloneInDoubt = this.world.shape.engine !== "log" || this.mayWipe(name);
    return this.#maySpare(name) && this.#wiped.size === 0 && !isElsewhere && isAloneInDoubt && this.#mayLose();
  }

  wiped(name: string): void {
    this.#lost();
    this.#wiped.add(name);
    if (this.#fragile === name) this.#fragile = undefined;
    for (const [id, { node }] of this.#damaged) if (node === name) this.#damaged.delete(id);
  }

  damaged(node: string, key: KeyId): void {
    this.#lost();
    this.#damaged.set(`${node} ${key.hash}`, { node, key });
    if (this.world.shape.engine === "log") this.#fragile = node;
  }

  #forgetMended(): void {
    for (const name of this.#wiped) if (this.#isWhole(name)) this.#wiped.delete(name);
    for (const [id, { node, key }] of this.#damaged) if (!this.#isDamaged(node, key)) this.#damaged.delete(id);
  }

  #isWhole(name: string): boolean {
    // It was removed: what it held is whole again when the others have copied it.
    if (!this.world.standing.includes(name)) return this.world.settled;
    const node = this.world.node(name);
    if (node === undefined) return false;
    for (let partition = 0; partition < this.world.shape.partitions; partition++) {
      if (node.isInDoubt(partition)) return false;
    }
    // What is whole in memory and not flushed yet is gone with the next power cut.
    return this.world.member(name).disk.unflushedBatches === 0;
  }

  /** Whether it is so to a read, or would be again after a power cut. */
  #isDamaged(name: string, key: KeyId): boolean {
    const { disk } = this.world.member(name);
    const address = { partition: key.partition, hash: key.hash, key: key.id };
    for (const bytes of [disk.proven.get(address), disk.visible.get(address)]) {
      if (bytes === undefined) continue;
      const record = decodeRecord(this.world.primitives, key.hash, bytes);
      if (record === undefined || record.inDoubt) return true;
    }
    return false;
  }
}
