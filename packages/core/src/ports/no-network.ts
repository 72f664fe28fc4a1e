/** The network port of a node that is alone: nobody can be reached. */
import type { Network } from "./network.js";

export const noNetwork: Network = { send: () => false, close: (done) => done() };
