/**
 * Who makes versions: an actor is one chain of one local lifetime of one key, a dot is one event of an actor (Almeida et al., "Dotted
 * version vectors", §3; why an actor is not a node: riak_kv #679, docs/decisions/0004).
 */
import { compareNumbers } from "./order.js";

/**
 * One stretch in which a node held a key's record without a break. `boot` counts the node's starts and is durable; `birth` counts
 * lifetimes within a boot. So a lifetime never comes again, and nothing extra is written to disk to make sure.
 */
export interface Lifetime {
  readonly boot: number;
  readonly birth: number;
}

/** `instance`: 48 random bits of the data folder. `chain`: from 0; each event of a chain replaces all earlier ones of that chain. */
export interface Actor extends Lifetime {
  readonly instance: number;
  readonly chain: number;
}

/** The event number `n` (from 1) of an actor: the name of one write, for ever. */
export interface Dot {
  readonly actor: Actor;
  readonly n: number;
}

/** Instances are random 48 bits; boots, births and events are counted in as many. */
export const INSTANCE_MAX = 2 ** 48 - 1;
export const COUNTER_MAX = INSTANCE_MAX;

export function compareLifetimes(a: Lifetime & { instance: number }, b: Lifetime & { instance: number }): number {
  return compareNumbers(a.instance, b.instance) || compareNumbers(a.boot, b.boot) || compareNumbers(a.birth, b.birth);
}

export function compareActors(a: Actor, b: Actor): number {
  return compareLifetimes(a, b) || compareNumbers(a.chain, b.chain);
}

/** The canonical order of dots. It says nothing about which came first. */
export function compareDots(a: Dot, b: Dot): number {
  return a === b ? 0 : compareActors(a.actor, b.actor) || compareNumbers(a.n, b.n);
}

/** `<instance as 12 hex>.<boot>.<birth>`, and `.<chain>` when the chain is not the first. */
export function formatActor(actor: Actor): string {
  const instance = actor.instance.toString(16).padStart(12, "0");
  const lifetime = `${instance}.${actor.boot}.${actor.birth}`;
  return actor.chain === 0 ? lifetime : `${lifetime}.${actor.chain}`;
}

/** `actor:n`. */
export function formatDot(dot: Dot): string {
  return `${formatActor(dot.actor)}:${dot.n}`;
}

const ACTOR = /^([0-9a-f]{12})\.(0|[1-9]\d{0,15})\.(0|[1-9]\d{0,15})(?:\.([1-9]\d{0,15}))?$/;
const COUNTER = /^[1-9]\d{0,15}$/;

/** Reads what {@link formatActor} wrote; undefined for anything else. */
export function parseActor(text: string): Actor | undefined {
  const parts = ACTOR.exec(text);
  if (parts === null) return undefined;
  const instance = Number.parseInt(parts[1] as string, 16);
  const [boot, birth, chain] = [Number(parts[2]), Number(parts[3]), Number(parts[4] ?? 0)];
  const safe = Number.isSafeInteger(boot) && Number.isSafeInteger(birth) && Number.isSafeInteger(chain);
  return safe ? { instance, boot, birth, chain } : undefined;
}

/** Reads what {@link formatDot} wrote; undefined for anything else. */
export function parseDot(text: string): Dot | undefined {
  const colon = text.indexOf(":");
  const counter = text.slice(colon + 1);
  const actor = colon < 0 ? undefined : parseActor(text.slice(0, colon));
  if (actor === undefined || !COUNTER.test(counter)) return undefined;
  const n = Number(counter);
  return Number.isSafeInteger(n) ? { actor, n } : undefined;
}
