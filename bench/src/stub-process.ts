/**
 * A member that costs next to nothing: `node stub-process.js ADDRESS STATE`. Every get is answered with the same state (base64), every put with
 * a context; so that a client, and not its cluster, is what a run measures.
 */
import { createPrimitives } from "@kvorum/client/internal";
import type { Message, NetworkHandler } from "@kvorum/core";
import { TcpNetwork } from "../../packages/server/dist/transport/tcp-network.js";

const CLUSTER_ID = 0x73747562n;
const QUORUM = { needed: 2, received: 2, fallbacks: 0 } as const;
const PARTITIONS = 256;

const [address = "", state = ""] = process.argv.slice(2);
const port = Number(address.split(":")[1]);
const context = new Uint8Array(38);
const got: Message = { kind: "got", body: new Uint8Array(Buffer.from(state, "base64")), context, ...QUORUM };
const putDone: Message = { kind: "put-done", context, ...QUORUM };
const ring: Message = {
  kind: "ring-table",
  version: "1",
  members: [{ name: "stub", address }],
  owners: Array.from({ length: PARTITIONS }, () => [0]),
};

const handler: NetworkHandler = {
  admit: () => undefined,
  refused: () => {},
  lost: () => {},
  receive({ message, requestId }, link) {
    if (message.kind === "get") link.reply(requestId, got);
    else if (message.kind === "put") link.reply(requestId, putDone);
    else if (message.kind === "ring") link.reply(requestId, ring);
  },
};

const primitives = await createPrimitives();
const network = new TcpNetwork({
  text: primitives.text,
  hello: () => ({ kind: "hello", role: "member", name: "stub", instance: port }),
  clusterId: () => CLUSTER_ID,
  handler,
});
await network.listen("127.0.0.1", port);
process.on("SIGTERM", () => process.exit(0));
process.stdin.on("end", () => process.exit(0)).resume();
process.stdout.write("ready\n");
