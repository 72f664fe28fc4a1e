/** The direction of imports (ARCHITECTURE.md, "Who may import whom"): pure core <- ports <- runtime <- doors; rooms of core do not know each other. */
const rooms = "ring|replication|quorum|versions|gossip|merkle";
/** The one place where ports get their adapters. */
const composition = "^packages/server/src/runtime/run-node\\.ts$";

module.exports = {
  forbidden: [
    {
      name: "no-cycles",
      comment: "of what runs: two classes of one folder may know each other by type",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "everything-resolves",
      comment: "an import that leads nowhere would pass every other rule",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: "core-has-no-dependencies",
      severity: "error",
      from: { path: "^packages/core/src" },
      to: { pathNot: "^packages/core/src" },
    },
    {
      name: "base-knows-nobody",
      severity: "error",
      from: { path: "^packages/core/src/base" },
      to: { pathNot: "^packages/core/src/base" },
    },
    {
      name: "rooms-know-only-base",
      comment: "node/ introduces the rooms to each other",
      severity: "error",
      from: { path: `^packages/core/src/(${rooms})/` },
      to: { pathNot: "^packages/core/src/($1|base)/" },
    },
    {
      name: "wire-and-ports-know-no-node",
      severity: "error",
      from: { path: "^packages/core/src/(wire|ports)" },
      to: { path: "^packages/core/src/node" },
    },
    {
      name: "client-and-store-stand-on-core",
      severity: "error",
      from: { path: "^packages/(client|store)/src" },
      to: { path: "^packages/", pathNot: "^packages/($1|core)/src" },
    },
    {
      name: "simulator-stands-on-core-and-store",
      severity: "error",
      from: { path: "^packages/simulator/src" },
      to: { path: "^packages/", pathNot: "^packages/(simulator|core|store)/src" },
    },
    {
      name: "server-knows-no-simulator",
      severity: "error",
      from: { path: "^packages/server/src" },
      to: { path: "^(bench|packages/(simulator|console))/" },
    },
    {
      name: "adapters-know-no-doors",
      severity: "error",
      from: { path: "^packages/server/src/(storage|transport|data-folder|config|runtime)", pathNot: composition },
      to: { path: "^packages/server/src/(doors|cli)" },
    },
    {
      name: "composition-knows-no-cli",
      severity: "error",
      from: { path: composition },
      to: { path: "^packages/server/src/cli" },
    },
    {
      name: "doors-know-no-adapters",
      severity: "error",
      from: { path: "^packages/server/src/doors" },
      to: { path: "^packages/server/src/(storage|transport|data-folder|runtime|cli)" },
    },
    {
      name: "one-entry-for-each-package",
      comment:
        "what a package does not export is its own; the client has a second entry for our own packages and a third for users' tests",
      severity: "error",
      from: { path: "^(bench|packages/[^/]+)/" },
      to: {
        path: "^packages/[^/]+/src/",
        pathNot: ["^packages/[^/]+/src/index\\.ts$", "^packages/(client|server)/src/(internal|testing)\\.ts$", "^$1/"],
      },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "/dist/|/test/" },
    tsPreCompilationDeps: true,
    // Packages resolve to each other's sources: built files would hide who imports whom.
    tsConfig: { fileName: "tsconfig.test.json" },
  },
};
