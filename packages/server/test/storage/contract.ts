/** What every storage must do, as one suite that is run on each of them: the sentences of packages/core/src/ports/storage.ts. */
import { afterEach, beforeEach, describe } from "vitest";
import { Held, type StoragePlace } from "./asking.js";
import { durability } from "./contract-durability.js";
import { equalsAMap } from "./contract-model.js";
import { recordsAndFacts } from "./contract-records.js";
import { scans } from "./contract-scans.js";

export type { StoragePlace };

export function storageContract(name: string, make: () => Promise<StoragePlace>): void {
  describe(`${name} as a storage`, () => {
    const held = new Held();
    beforeEach(() => held.begin(make));
    afterEach(() => held.end());

    recordsAndFacts(held);
    scans(held);
    durability(held);
    equalsAMap(held);
  });
}
