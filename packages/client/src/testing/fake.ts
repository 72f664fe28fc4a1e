/** Kvorum in memory, for the tests of programs: the same client over one real node without a disk, whose conflicts and failures a test makes. */
import type { Bucket } from "../buckets/bucket.js";
import type { Resolved, Siblings } from "../buckets/found.js";
import { checkOptions } from "../buckets/option-check.js";
import type { ClientDefaults } from "../buckets/options.js";
import { Kvorum, stackOver } from "../kvorum.js";
import type { AnyResolver } from "../resolvers/resolver.js";
import { FaultyTransport, type Fault } from "./faults.js";
import { startMemoryNode } from "./memory-node.js";

/** Give it to your program in place of what `connect` gives. */
export class FakeKvorum<Resolving extends boolean = false> extends Kvorum<Resolving> {
  readonly #faults: FaultyTransport;

  /** @internal */
  constructor(faults: FaultyTransport, defaults: ClientDefaults) {
    super(stackOver(faults, defaults.timeout), defaults);
    this.#faults = faults;
  }

  /** Makes siblings, as writers do who know nothing of each other: each value is written blindly, beside what stands. */
  async injectConflict<T, Found extends Resolved<T> | Siblings<T>>(
    bucket: Bucket<T, Found>,
    key: string,
    values: readonly T[],
  ): Promise<void> {
    for (const value of values) await bucket.put(key, value);
  }

  /** Makes the next matching call fail, or the next `times`. The client's retry policy is at work: one failure is often not seen. */
  injectFailure(fault: Fault): void {
    this.#faults.inject(fault);
  }

  /** Ends all failures that were injected and have not happened. */
  clearFailures(): void {
    this.#faults.clear();
  }
}

/** One node in memory and a client on it. Close it, or `await using`. */
export function openFake(defaults: ClientDefaults & { readonly resolve: AnyResolver }): Promise<FakeKvorum<true>>;
export function openFake(defaults?: ClientDefaults): Promise<FakeKvorum>;
export async function openFake(defaults: ClientDefaults = {}): Promise<FakeKvorum<boolean>> {
  checkOptions(defaults);
  return new FakeKvorum(new FaultyTransport(await startMemoryNode()), defaults);
}
