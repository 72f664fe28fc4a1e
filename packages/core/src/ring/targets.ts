/** How many replicas each member should hold: shares by weight, poured around what zones and distinctness make impossible (Dynamo §6.2). */

/** What placement needs to know of a member. */
export interface Placed {
  readonly name: string;
  readonly zone: string;
  readonly weight: number;
}

/** How many of a partition's replicas may be in one zone. */
export interface ZoneBounds {
  readonly least: number;
  readonly most: number;
}

/** The goal for one set of members. Members and zones are numbered; `zoneOf` leads from one to the other. */
export interface Targets {
  /** Replicas of a partition: N, or all members when there are fewer. */
  readonly width: number;
  readonly zoneOf: readonly number[];
  readonly zones: readonly ZoneBounds[];
  /** The fair number of replica places for each member, a fraction; whole numbers on either side of it are as fair as can be. */
  readonly ideal: readonly number[];
}

/** Sums of fractions miss whole numbers by less than this. */
const ROUNDING = 1e-6;
const BISECTIONS = 80;

/** The fewest places that are fair for a member whose ideal is `ideal`. */
export const fairLeast = (ideal: number): number => Math.floor(ideal + ROUNDING);
/** The most places that are fair for a member whose ideal is `ideal`. */
export const fairMost = (ideal: number): number => Math.ceil(ideal - ROUNDING);

/**
 * The targets for `members` in a ring of `partitions` with `replicas` each.
 *
 * All partitions alike hold `ideal / partitions` of each member: that is a fractional placement that obeys every constraint, so by the
 * integrality of flows a whole one exists with each member within one place of its ideal. Balancing looks for that one.
 */
export function targetsOf(members: readonly Placed[], partitions: number, replicas: number): Targets {
  const names = [...new Set(members.map((member) => member.zone))].sort();
  const zoneOf = members.map((member) => names.indexOf(member.zone));
  const inZone: number[][] = names.map(() => []);
  zoneOf.forEach((zone, member) => inZone[zone]?.push(member));

  const width = Math.min(replicas, members.length);
  const zones = zoneBounds(
    inZone.map((zone) => zone.length),
    width,
  );
  const weights = inZone.map((zone) => zone.map((member) => members[member]?.weight ?? 0));
  const level = levelOf(weights, zones, partitions, width);
  const ideal = members.map(() => 0);
  inZone.forEach((zone, at) => {
    const zoneWeights = weights[at] as number[];
    const total = zonePlaces(zoneWeights, zones[at] as ZoneBounds, partitions, level);
    pour(zoneWeights, partitions, total).forEach((places, i) => (ideal[zone[i] as number] = places));
  });
  return { width, zoneOf, zones, ideal };
}

/** Spreads `width` replicas over zones as evenly as their sizes allow: every zone up to a level, some of them one above it. */
export function zoneBounds(sizes: readonly number[], width: number): readonly ZoneBounds[] {
  const upTo = (level: number): number => sizes.reduce((sum, size) => sum + Math.min(size, level), 0);
  let level = 0;
  while (level < width && upTo(level + 1) <= width) level++;
  return sizes.map((size) => ({ least: Math.min(size, level), most: Math.min(size, level + 1) }));
}

/** The places of a zone when each unit of weight gets `level` places: no member above one per partition, the zone within its bounds. */
function zonePlaces(weights: readonly number[], bounds: ZoneBounds, partitions: number, level: number): number {
  const wanted = weights.reduce((sum, weight) => sum + Math.min(weight * level, partitions), 0);
  return Math.min(Math.max(wanted, bounds.least * partitions), bounds.most * partitions);
}

/** The places per unit of weight at which all zones together take all places. Bisection, since zones reach their bounds at different levels. */
function levelOf(
  weights: readonly (readonly number[])[],
  zones: readonly ZoneBounds[],
  partitions: number,
  width: number,
): number {
  let low = 0;
  let high = partitions;
  for (let i = 0; i < BISECTIONS; i++) {
    const middle = (low + high) / 2;
    let total = 0;
    for (const [at, bounds] of zones.entries()) total += zonePlaces(weights[at] ?? [], bounds, partitions, middle);
    if (total < width * partitions) low = middle;
    else high = middle;
  }
  return high;
}

/** Shares `total` by weight, nobody above `cap`: what the heaviest cannot take goes to the others. */
function pour(weights: readonly number[], cap: number, total: number): readonly number[] {
  const shares = weights.map(() => 0);
  const heaviestFirst = weights
    .map((weight, at) => ({ weight, at }))
    .sort((a, b) => b.weight - a.weight || a.at - b.at);
  let rest = total;
  let restWeight = weights.reduce((sum, weight) => sum + weight, 0);
  for (const { weight, at } of heaviestFirst) {
    const share = Math.min(cap, (rest * weight) / restWeight);
    shares[at] = share;
    rest -= share;
    restWeight -= weight;
  }
  return shares;
}
