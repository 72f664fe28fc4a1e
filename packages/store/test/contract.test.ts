/** The contract of the storage port, on the log over a simulated disk. */
import { Rng } from "@kvorum/core";
import { SimulatedDisk } from "@kvorum/store";
import { storageContract } from "../../server/test/storage/contract.js";
import { opened } from "./log-on.js";

for (const answers of ["at once", "later"] as const) {
  storageContract(`the log on a simulated disk that answers ${answers}`, () => {
    const answer =
      answers === "at once" ? (run: () => void): void => run() : (run: () => void) => void setImmediate(run);
    const disk = new SimulatedDisk({ rng: new Rng(1), answer });
    return Promise.resolve({ open: () => opened(disk), remove: () => Promise.resolve() });
  });
}
