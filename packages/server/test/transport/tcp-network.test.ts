/** The TCP network against the port's contract. */
import { networkContract } from "./contract.js";
import { TcpWorld } from "./tcp-world.js";

networkContract(
  "the network over TCP",
  (peerQueueBytesMax, frameBytesMax) => new TcpWorld({ peerQueueBytesMax, frameBytesMax }),
);
