/** How many replies a request asks for: a number, or a word that the members at the time turn into one (CONTRACT §4). */

export type QuorumArg = number | "one" | "quorum" | "all";

/** What has two digits at most: no cluster keeps so many replicas of a key. */
export const QUORUM_NUMBER_MAX = 99;
const words: ReadonlySet<unknown> = new Set<QuorumArg>(["one", "quorum", "all"]);

/** `1`…, `one`, `quorum` or `all`; undefined for anything else. */
export function parseQuorumArg(text: string): QuorumArg | undefined {
  if (text === "one" || text === "quorum" || text === "all") return text;
  return /^[1-9][0-9]?$/.test(text) ? Number(text) : undefined;
}

/** What is wrong with it, for people, in a cluster of `n` replicas, or in one of whom nobody knows here; undefined when nothing is. */
export function quorumArgProblem(name: string, quorum: unknown, n?: number): string | undefined {
  const isRight =
    typeof quorum === "number"
      ? Number.isInteger(quorum) && quorum >= 1 && quorum <= (n ?? QUORUM_NUMBER_MAX)
      : words.has(quorum);
  if (isRight) return undefined;
  const given = typeof quorum === "string" ? JSON.stringify(quorum) : String(quorum);
  return `${name} is 1 to ${n ?? "n"}, "one", "quorum" or "all", not ${given}`;
}
