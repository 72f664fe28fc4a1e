/** The direction of imports: pure core <- ports <- runtime <- doors; rooms of core do not know each other. */
const rooms = "ring|replication|quorum|versions|gossip|merkle";

module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
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
      name: "ports-know-no-node",
      severity: "error",
      from: { path: "^packages/core/src/ports" },
      to: { path: "^packages/core/src/node" },
    },
    {
      name: "simulator-stands-on-core",
      severity: "error",
      from: { path: "^packages/simulator/src" },
      to: { pathNot: "^packages/(simulator/src|core/)" },
    },
    {
      name: "client-stands-on-core",
      severity: "error",
      from: { path: "^packages/client/src" },
      to: { path: "^packages/(server|simulator|console)" },
    },
    {
      name: "adapters-know-no-doors",
      severity: "error",
      from: { path: "^packages/server/src/(storage|transport|runtime)" },
      to: { path: "^packages/server/src/(doors|cli)" },
    },
    {
      name: "doors-know-no-adapters",
      severity: "error",
      from: { path: "^packages/server/src/doors" },
      to: { path: "^packages/server/src/(storage|transport|cli)" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules|/dist/" },
    exclude: { path: "/dist/|/test/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
  },
};
