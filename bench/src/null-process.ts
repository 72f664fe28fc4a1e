/** One process of the null Dynamo: `node null-process.js SELF OTHER OTHER`, each an address. Prints `ready` when it listens. */
import { createPrimitives } from "@kvorum/client/internal";
import { TcpNetwork } from "../../packages/server/dist/transport/tcp-network.js";
import { NullNode } from "./null-node.js";

/** Any id but 0 makes a cluster: the three processes and the load generator must agree on one. */
const CLUSTER_ID = 0x6e756c6cn;

const [self, ...others] = process.argv.slice(2);
const port = Number(self?.split(":")[1]);
if (self === undefined || others.length !== 2 || !Number.isInteger(port)) {
  throw new Error("usage: null-process SELF OTHER OTHER, each as 127.0.0.1:PORT");
}

const primitives = await createPrimitives();
const node = new NullNode(primitives, self, others);
const network = new TcpNetwork({
  text: primitives.text,
  hello: () => ({ kind: "hello", role: "member", name: self, instance: port }),
  clusterId: () => CLUSTER_ID,
  handler: node,
});
node.start(network);
await network.listen("127.0.0.1", port);
process.on("SIGTERM", () => process.exit(0));
// Whoever started this process holds the other end: it must not outlive them.
process.stdin.on("end", () => process.exit(0)).resume();
process.stdout.write("ready\n");
