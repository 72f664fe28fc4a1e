/** All checkers. A new one is a file beside this one and a name here; its invariant stands in SPEC and in the table of the README. */
import { acknowledgements } from "./acknowledgements.js";
import { bounds } from "./bounds.js";
import type { MakeChecker } from "./checker.js";
import { contexts } from "./contexts.js";
import { convergence } from "./convergence.js";
import { departures } from "./departures.js";
import { dots } from "./dots.js";
import { expiry } from "./expiry.js";
import { forgetting } from "./forgetting.js";
import { hints } from "./hints.js";
import { lostWrites } from "./lost-writes.js";
import { members } from "./members.js";
import { observation } from "./observation.js";
import { phantoms } from "./phantoms.js";
import { quiet } from "./quiet.js";
import { rarePathsTaken } from "./rare-paths.js";
import { resurrections } from "./resurrections.js";
import { retries } from "./retries.js";
import { rings } from "./rings.js";
import { sessions } from "./sessions.js";
import { siblings } from "./siblings.js";
import { staleReads } from "./stale-reads.js";
import { trees } from "./trees.js";

export const checkers: readonly MakeChecker[] = [
  lostWrites,
  departures,
  resurrections,
  phantoms,
  staleReads,
  sessions,
  expiry,
  acknowledgements,
  dots,
  contexts,
  siblings,
  retries,
  forgetting,
  convergence,
  hints,
  trees,
  rings,
  members,
  quiet,
  bounds,
  rarePathsTaken,
  // Last: it lets time pass and looks whether anything changes.
  observation,
];
