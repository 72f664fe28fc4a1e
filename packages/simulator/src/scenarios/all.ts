/** All directed scenarios: what random faults find too seldom (CHECKERS.md). Those of hints, reaping and ring phases come with these. */
import { acknowledgements } from "./acknowledgements.js";
import { losses } from "./losses.js";
import { repair } from "./repair.js";
import { rings } from "./rings.js";
import type { Scenario } from "./scenario.js";

export const scenarios: readonly Scenario[] = [...acknowledgements, ...losses, ...repair, ...rings];
