/** All directed scenarios: what random faults find too seldom (CHECKERS.md). */
import { acknowledgements } from "./acknowledgements.js";
import { hints } from "./hints.js";
import { losses } from "./losses.js";
import { reaping } from "./reaping.js";
import { repair } from "./repair.js";
import { rings } from "./rings.js";
import type { Scenario } from "./scenario.js";

export const scenarios: readonly Scenario[] = [
  ...acknowledgements,
  ...hints,
  ...losses,
  ...reaping,
  ...repair,
  ...rings,
];
