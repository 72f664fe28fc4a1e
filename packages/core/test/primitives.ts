/** The primitives that production hands to the core, for tests of the rooms. */
import { createPrimitives } from "../../client/src/primitives.js";
import type { Primitives } from "../src/base/primitives.js";

export const testPrimitives: Primitives = await createPrimitives();
