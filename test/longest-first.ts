/** The order of test files: those that are known to take long begin first, so that no core stands idle at the end while another one has them. */
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The longest first. What is not named comes after them, as vitest orders it. */
const long = [
  "packages/simulator/test/judge/scenarios",
  "packages/simulator/test/judge/plants",
  "packages/simulator/test/judge/healers",
  "packages/store/test/crash/crash",
  "packages/server/test/storage/",
  "/test/backup.",
  "/test/kill.",
  "/test/growing.",
  "/test/repair.",
  "/test/cli.",
  "/test/network.",
  "/test/sloppy.",
  "/test/simulation.",
  "/test/data-folder.",
  "/test/client/client.",
  "/test/damage.",
  "/test/flush.",
  "/test/packages/",
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rankOf = ({ moduleId }: TestSpecification): number => {
      const place = long.findIndex((part) => moduleId.includes(part));
      return place < 0 ? long.length : place;
    };
    return (await super.sort(files)).toSorted((a, b) => rankOf(a) - rankOf(b));
  }
}
