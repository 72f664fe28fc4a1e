/** The words of reaping, as they are said over the wire and weighed by the asker (replication/reaping.ts). Append only: their places are the wire's. */

/** `ask`: is that what you hold? `mark`: nothing older can come back; mark it. `remove`: all have marked it; remove it. */
export const reapSteps = ["ask", "mark", "remove"] as const;
export type ReapStep = (typeof reapSteps)[number];

/**
 * What an owner says of one record. `same`: that very state, on its disk, and dead by its clock too. `marked`: the same, with the mark.
 * `gone`: nothing is there. `differs`: something else. `unsure`: it can't tell, or has a reason to keep what it has.
 */
export const reapWords = ["same", "marked", "gone", "differs", "unsure"] as const;
export type ReapWord = (typeof reapWords)[number];
