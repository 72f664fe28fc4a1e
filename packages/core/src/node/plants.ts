/**
 * Known bugs that the simulator plants to see whether its checkers find them (CONTRACT §6). Each is one line at the very spot where the real
 * bug would be. Nothing that ships sets them.
 */

export const plants = {
  "ack-before-flush": "a replica says that a state is durable as soon as it was handed to the store",
  "reused-dot":
    "actors are nodes: after the loss of its local state a coordinator goes on with the same actor (TRAPS 1, riak_kv #679)",
  "context-covers-unseen":
    "the context that a write returns covers all that its coordinator holds, not what the client saw",
  "blind-replaces": "a write without a context replaces what its coordinator holds",
  "repair-copies": "read repair writes what it read over what a replica holds, instead of merging the two (TRAPS 25)",
  "quorum-counts-twice": "the coordinator's own word counts for another owner too",
  "notfound-is-absence":
    "a replica that has lost a record, or is still being filled, says that there is nothing (TRAPS 14)",
  "retry-mints-second-dot":
    "a coordinator does not look for the first attempt of a write, and keeps no trace of it (TRAPS 6)",
  "stale-ring-accepted": "a replica serves whoever asks, by whichever owners, a member that was removed too (TRAPS 15)",
  "serves-before-data": "a new owner confirms as soon as it is told to merge (TRAPS 15, scylladb #2308)",
  "one-source-is-enough": "a new owner counts as whole after it was merged from one member (TRAPS 15)",
  "tree-outside-batch":
    "a hash tree hears of a write when its flush has ended, not in the step of its batch (TRAPS 24)",
  "exchange-copies": "anti-entropy writes what came over what a replica holds, instead of merging the two (TRAPS 25)",
  "fallback-counts-as-primary": "a strict write counts a fallback that stored a hint (TRAPS 11)",
  "hint-dropped-early": "a hint is dropped when it was sent, not when an owner has the state on its disk (TRAPS 18)",
  "hint-dropped-for-age": "a hint that is older than its lifetime is dropped (TRAPS 18)",
  "expired-is-shown": "a coordinator shows what a replica has of a key, expired or not (TRAPS 20)",
  "reaped-early":
    "a tombstone is reaped though a member is away, and without asking what is still under way (TRAPS 16, 17)",
  "gossip-resurrects":
    "a removed member is one again as soon as gossip shows a heartbeat of it (TRAPS 21, CASSANDRA-5216)",
  "old-copy-believed":
    "a member that was started from an old copy of its folder asks nobody whether it is one (TRAPS 3)",
  "session-takes-less": "a client's session shows whatever a read brings, also less than it has seen",
} as const satisfies Readonly<Record<string, string>>;

export type Plant = keyof typeof plants;

/** What production has. */
export const NO_PLANTS: ReadonlySet<Plant> = new Set();
