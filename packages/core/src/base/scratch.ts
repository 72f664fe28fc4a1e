/** One slab for what is hashed and thrown away: nothing of it outlives a call, and whoever fills it calls nobody who might. */
import { Writer, type TextCodec } from "./bytes.js";

let scratch: Writer | undefined;

/** Empty, and good until the next call of this. */
export function scratchFor(text: TextCodec): Writer {
  if (scratch?.text !== text) scratch = new Writer(text);
  scratch.reset();
  return scratch;
}
