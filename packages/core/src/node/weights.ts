/** How much this node holds of each partition that it owns, for a look at a change before it is made: keys counted in the index, bytes by a sample. */
import { HASH_MAX } from "../ports/storage.js";
import type { MessageOf } from "../wire/messages.js";
import type { NodeContext } from "./context.js";

const SAMPLES_A_PARTITION = 16;
const PARTITIONS_AT_ONCE = 32;

type Weights = MessageOf<"weighed">["partitions"];

export function weighPartitions(node: NodeContext, done: (weights: Weights) => void): void {
  const weights: Weights[number][] = [];
  const next = (partition: number): void => {
    if (partition >= node.identity.partitions) return done(weights);
    const goOn = (): void => {
      if (partition % PARTITIONS_AT_ONCE === 0) node.clock.after(0, () => next(partition + 1));
      else next(partition + 1);
    };
    if (!node.ownsPartition(partition)) return goOn();
    weighOne(node, partition, (keys, bytes) => {
      weights.push({ partition, keys, bytes });
      goOn();
    });
  };
  next(0);
}

function weighOne(node: NodeContext, partition: number, done: (keys: number, bytes: number) => void): void {
  let keys = 0;
  let samples = 0;
  let sampled = 0;
  const count = (): boolean => {
    keys++;
    return true;
  };
  node.storage.scanIndex(partition, 0n, HASH_MAX, count, () => {
    if (keys === 0) return done(0, 0);
    node.replica.scan(
      partition,
      0n,
      HASH_MAX,
      (record) => {
        samples++;
        sampled += record.key.length + record.value.length;
        return samples < SAMPLES_A_PARTITION;
      },
      () => done(keys, samples === 0 ? 0 : Math.round((sampled / samples) * keys)),
    );
  });
}
