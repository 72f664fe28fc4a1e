/** Opens a log on a simulated disk, small enough that segments turn and merge all the time. */
import { openLog, run, type Disk, type LogOptions, type LogStorage } from "@kvorum/store";
import { testPrimitives } from "../../core/test/primitives.js";

export const SMALL: Omit<LogOptions, "disk"> = {
  primitives: testPrimitives,
  salt: () => 0x5a17_5a17_5a17n,
  defer: setImmediate,
  pace: (_bytes, _haste, go) => go(),
  segmentBytes: 4096,
  cacheBytes: 16 * 1024,
  spaceTarget: 1.5,
  reserveBytes: 0,
};

export function opened(disk: Disk, options: Partial<LogOptions> = {}): Promise<LogStorage> {
  return new Promise((resolve, reject) =>
    run(openLog({ ...SMALL, disk, ...options }), (log) => {
      if (typeof log === "string") reject(new Error(log));
      else resolve(log);
    }),
  );
}
