/**
 * "What could I lose right now?" (issue 6): what the members say of themselves, put together for the cluster. Pure: who says what is node/risk-desk.ts.
 */

/** What one member says of itself. Ages in milliseconds, since clocks need not agree. */
export interface MemberRisk {
  readonly upMs: number;
  /** Partitions that it owns and is still being filled with: its copy may lack writes. */
  readonly filling: readonly number[];
  /** Records that failed their checksum and wait to be healed. */
  readonly damaged: number;
  readonly hints: number;
  readonly oldestHintAgeMs: number;
  readonly tombstones: number;
  readonly oldestTombstone: OldestDead | undefined;
  /** Other members, and how long ago an exchange of hash trees with each last left nothing different. */
  readonly compared: readonly { readonly name: string; readonly agoMs: number }[];
}

export interface OldestDead {
  readonly bucket: string;
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly why: string;
}

export interface RiskFacts {
  /** N. */
  readonly replicas: number;
  readonly members: readonly { readonly name: string; readonly status: string }[];
  /** By partition the owners in force. */
  readonly owners: readonly (readonly string[])[];
  /** By member; those that did not answer are not there. */
  readonly said: ReadonlyMap<string, MemberRisk>;
  /** Keys with several values; undefined when that could not be told. */
  readonly conflicts: number | undefined;
  readonly nowMs: number;
  /** Comparisons and tombstones older than this are a risk; younger ones are how it goes. */
  readonly comparedStaleMs: number;
  readonly tombstoneOldMs: number;
}

export interface RiskView {
  /** Nothing below is anything but as it should be. */
  readonly ok: boolean;
  /** One line for each thing that is not; when all is well, the one line that says so. */
  readonly lines: readonly string[];
  /** Members that do not answer, or seem down. */
  readonly membersDown: readonly string[];
  readonly underReplicated: {
    /** Partitions with fewer than N live and whole replicas. */
    readonly partitions: number;
    /** The fewest that one of them has, and which it is; null when there is none. */
    readonly fewest: number | null;
    readonly partition: number | null;
  };
  readonly hints: { readonly count: number; readonly oldestAgeMs: number | null; readonly on: string | null };
  readonly compared: {
    /** Partitions of which two live owners have not been compared for too long. */
    readonly stale: number;
    /** The longest that two live owners of a partition have not been compared; null where none has two. */
    readonly longestAgoMs: number | null;
  };
  readonly tombstones: { readonly count: number; readonly oldest: (OldestDead & { readonly on: string }) | null };
  /** Null when it could not be told. */
  readonly conflicts: number | null;
  readonly damaged: number;
}

export function assessRisk(facts: RiskFacts): RiskView {
  const { members, said, conflicts } = facts;
  const membersDown = members.filter(({ name }) => !said.has(name)).map(({ name }) => name);
  const underReplicated = underReplicatedOf(facts);
  const hints = hintsOf(facts);
  const compared = comparedOf(facts);
  const tombstones = tombstonesOf(facts);
  const damaged = sum(said.values(), (member) => member.damaged);
  const view = { membersDown, underReplicated, hints, compared, tombstones, conflicts: conflicts ?? null, damaged };
  const lines = linesOf(facts, view);
  return { ok: lines.length === 0, lines: lines.length === 0 ? [allIsWell(facts, view)] : lines, ...view };
}

/** A replica counts when its member answers and is not being filled with that partition. */
function underReplicatedOf({ owners, replicas, said }: RiskFacts): RiskView["underReplicated"] {
  const filling = new Map([...said].map(([name, member]) => [name, new Set(member.filling)]));
  let partitions = 0;
  let fewest: number | null = null;
  let worst: number | null = null;
  for (const [partition, names] of owners.entries()) {
    const live = names.filter((name) => filling.get(name)?.has(partition) === false).length;
    if (live >= replicas) continue;
    partitions++;
    if (fewest !== null && live >= fewest) continue;
    fewest = live;
    worst = partition;
  }
  return { partitions, fewest, partition: worst };
}

function hintsOf({ said }: RiskFacts): RiskView["hints"] {
  let oldest: { readonly on: string; readonly ageMs: number } | undefined;
  for (const [on, { hints, oldestHintAgeMs: ageMs }] of said) {
    if (hints > 0 && ageMs >= (oldest?.ageMs ?? 0)) oldest = { on, ageMs };
  }
  const count = sum(said.values(), ({ hints }) => hints);
  return { count, oldestAgeMs: oldest?.ageMs ?? null, on: oldest?.on ?? null };
}

function comparedOf({ owners, said, comparedStaleMs }: RiskFacts): RiskView["compared"] {
  const ages = new Map(
    [...said].map(([name, { compared }]) => [name, new Map(compared.map((c) => [c.name, c.agoMs]))]),
  );
  /** Never compared counts from when both were there to do it. */
  const agoOf = (a: string, b: string): number => {
    const [x, y] = [said.get(a), said.get(b)];
    if (x === undefined || y === undefined) return 0;
    const known = Math.min(ages.get(a)?.get(b) ?? Infinity, ages.get(b)?.get(a) ?? Infinity);
    return known === Infinity ? Math.min(x.upMs, y.upMs) : known;
  };
  let stale = 0;
  let longestAgoMs: number | null = null;
  for (const names of owners) {
    const live = names.filter((name) => said.has(name));
    let agoMs: number | null = null;
    for (const [i, a] of live.entries()) for (const b of live.slice(i + 1)) agoMs = Math.max(agoMs ?? 0, agoOf(a, b));
    if (agoMs === null) continue;
    if (agoMs > comparedStaleMs) stale++;
    longestAgoMs = Math.max(longestAgoMs ?? 0, agoMs);
  }
  return { stale, longestAgoMs };
}

function tombstonesOf({ said }: RiskFacts): RiskView["tombstones"] {
  let oldest: RiskView["tombstones"]["oldest"] = null;
  for (const [on, { oldestTombstone }] of said) {
    if (oldestTombstone === undefined || (oldest !== null && oldest.since <= oldestTombstone.since)) continue;
    oldest = { ...oldestTombstone, on };
  }
  return { count: sum(said.values(), ({ tombstones }) => tombstones), oldest };
}

type Found = Omit<RiskView, "ok" | "lines">;

function linesOf(facts: RiskFacts, found: Found): string[] {
  const { membersDown, underReplicated, hints, compared, tombstones, conflicts, damaged } = found;
  const { nowMs, replicas, members } = facts;
  const lines: string[] = [];
  if (membersDown.length > 0) lines.push(`${membersDown.join(", ")} ${membersDown.length === 1 ? "is" : "are"} down`);
  if (underReplicated.partitions > 0) {
    const { partitions, fewest, partition } = underReplicated;
    const why =
      members.length < replicas ? `: the cluster has ${counted(members.length, "member", "members")}, add some` : "";
    lines.push(
      `${partitions} of ${facts.owners.length} partitions have fewer than ${replicas} live replicas; partition ${partition} has ${fewest}${why}`,
    );
  }
  if (hints.oldestAgeMs !== null) {
    lines.push(
      `${counted(hints.count, "hint waits", "hints wait")} to be handed over; the oldest, on ${hints.on}, for ${duration(hints.oldestAgeMs)}`,
    );
  }
  if (compared.stale > 0) {
    lines.push(
      `${counted(compared.stale, "partition has", "partitions have")} owners that were not compared for up to ${duration(compared.longestAgoMs ?? 0)}; see kvorum repair`,
    );
  }
  const { oldest } = tombstones;
  if (oldest !== null && nowMs - oldest.since > facts.tombstoneOldMs) {
    lines.push(
      `a tombstone waits for ${duration(nowMs - oldest.since)} to be reaped (${oldest.bucket}/${oldest.key}, on ${oldest.on}): ${oldest.why}`,
    );
  }
  if (conflicts === null) lines.push("how many keys are in conflict could not be told");
  else if (conflicts > 0) {
    const keys = counted(conflicts, "key is in conflict and waits", "keys are in conflict and wait");
    lines.push(`${keys} to be resolved; see kvorum conflicts`);
  }
  if (damaged > 0)
    lines.push(`${counted(damaged, "damaged record waits", "damaged records wait")} to be healed from their peers`);
  return lines;
}

function allIsWell({ said, replicas }: RiskFacts, { compared }: Found): string {
  const ago = compared.longestAgoMs === null ? "" : `, all compared within ${duration(compared.longestAgoMs)}`;
  return `nothing is at risk: ${said.size} members up, every partition on ${replicas} live replicas, no hints, no conflicts${ago}`;
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

function sum<T>(items: Iterable<T>, of: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += of(item);
  return total;
}
