/** The storage engines by name. */
export const engines = ["log", "lmdb"] as const;
export type Engine = (typeof engines)[number];
