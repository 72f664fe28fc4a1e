import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Unit tests run on the sources; tests from outside run on what `npm run build` made, as a user gets it. */
export default defineConfig({
  test: {
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
        test: { name: "unit", include: ["packages/*/test/**/*.test.ts"], testTimeout: 30_000 },
      },
      {
        test: {
          name: "outside",
          include: ["test/**/*.test.ts"],
          // Waits have deadlines of their own that name what did not come; this is for what never comes back.
          testTimeout: 300_000,
          hookTimeout: 300_000,
          // Each file has nodes, ports and folders of its own; two at a time is what two cores bear.
          maxWorkers: 2,
        },
      },
    ],
  },
});
