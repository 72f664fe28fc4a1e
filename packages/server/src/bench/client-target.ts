/** The cluster as the load generator sees it: whole-value reads and blind overwrites through the raw client. */
import { KvorumError, type RawClient } from "@kvorum/client/internal";
import type { Target } from "./load.js";

/**
 * A read ends with the value in hand: its siblings decoded, the bytes copied out.
 * `bare`: the other side is the null Dynamo, which keeps values as they come.
 */
export function clientTarget(client: RawClient, bucket: string, valueBytes: number, bare = false): Target {
  return {
    async read(key) {
      const result = await client.get(bucket, key);
      const value = bare ? result.body?.slice() : result.siblings[0]?.value;
      if (value?.length !== valueBytes) throw new KvorumError("not-found", `${key} is not what was loaded`);
    },
    async update(key, value) {
      await client.put(bucket, key, value);
    },
  };
}
