import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/longest-first.js";

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Unit tests run on the sources; tests from outside run on what `npm run build` made, as a user gets it. */
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        resolve: {
          alias: {
            "@kvorum/core": source("packages/core/src/index.ts"),
            // The longer names first: a name also matches what begins with it.
            "@kvorum/client/internal": source("packages/client/src/internal.ts"),
            "@kvorum/client/testing": source("packages/client/src/testing.ts"),
            "@kvorum/client": source("packages/client/src/index.ts"),
            "kvorum/testing": source("packages/server/src/testing.ts"),
            kvorum: source("packages/server/src/index.ts"),
            "@kvorum/store": source("packages/store/src/index.ts"),
            "@kvorum/simulator": source("packages/simulator/src/index.ts"),
          },
        },
        test: {
          name: "unit",
          include: ["packages/*/test/**/*.test.ts"],
          testTimeout: 30_000,
          // They compute and do not wait: one process for each core, which loads the sources once and not for each file.
          isolate: false,
          maxWorkers: "100%",
        },
      },
      {
        test: {
          name: "outside",
          include: ["test/**/*.test.ts"],
          // Waits have deadlines of their own that name what did not come; this is for what never comes back.
          testTimeout: 300_000,
          hookTimeout: 300_000,
          // Each file has nodes, ports and folders of its own, and waits half of its time: three at once keep two cores busy.
          maxWorkers: 3,
          // After the units, when both are asked for: those have another number of workers.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
