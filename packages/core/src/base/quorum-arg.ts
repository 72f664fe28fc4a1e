/** How many replies a request asks for: a number, or a word that the members at the time turn into one (CONTRACT §4). */

export type QuorumArg = number | "one" | "quorum" | "all";

/** `1`…, `one`, `quorum` or `all`; undefined for anything else. */
export function parseQuorumArg(text: string): QuorumArg | undefined {
  if (text === "one" || text === "quorum" || text === "all") return text;
  return /^[1-9][0-9]?$/.test(text) ? Number(text) : undefined;
}
