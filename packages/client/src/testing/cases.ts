/** Triples of values to try laws on: all of a few samples, many of many, or what a fast-check arbitrary gives, shrunk when one fails. */
import { Rng } from "@kvorum/core";
import type { CheckOptions, ResolverLawError } from "./check-resolver.js";

/** As fast-check defines it; only what is needed to know one. */
export interface Arbitrary<T> {
  generate(...args: never[]): { readonly value: T };
}

interface Tried {
  readonly tried: number;
  readonly broken: ResolverLawError | undefined;
}

type Judge<T> = (triple: readonly T[]) => ResolverLawError | undefined;

const CASES_DEFAULT = 200;

export async function casesOf<T>(
  from: Arbitrary<T> | readonly T[],
  { cases = CASES_DEFAULT, seed = 1 }: CheckOptions,
  judge: Judge<T>,
): Promise<Tried> {
  return isList(from) ? ofSamples(from, cases, seed, judge) : ofArbitrary(from, cases, seed, judge);
}

function isList<T>(from: Arbitrary<T> | readonly T[]): from is readonly T[] {
  return Array.isArray(from);
}

function ofSamples<T>(samples: readonly T[], cases: number, seed: number, judge: Judge<T>): Tried {
  if (samples.length === 0) throw new TypeError("give at least one sample value");
  let tried = 0;
  for (const triple of triplesOf(samples, cases, seed)) {
    tried++;
    const broken = judge(triple);
    if (broken !== undefined) return { tried, broken };
  }
  return { tried, broken: undefined };
}

/** All triples while there are no more than `cases`, the simplest (of the first samples) first; else chosen by the seed. */
function* triplesOf<T>(samples: readonly T[], cases: number, seed: number): Generator<readonly T[]> {
  const { length } = samples;
  const rng = length ** 3 <= cases ? undefined : new Rng(seed);
  const count = Math.min(cases, length ** 3);
  for (let i = 0; i < count; i++) {
    const places = rng
      ? [rng.below(length), rng.below(length), rng.below(length)]
      : [i % length, Math.floor(i / length) % length, Math.floor(i / length ** 2)];
    yield places.map((place) => samples[place] as T);
  }
}

async function ofArbitrary<T>(arbitrary: Arbitrary<T>, cases: number, seed: number, judge: Judge<T>): Promise<Tried> {
  const fc = await import("fast-check").catch((cause: unknown) => {
    throw new Error("fast-check is not installed: install it, or give sample values", { cause });
  });
  const values = arbitrary as unknown as import("fast-check").Arbitrary<T>;
  const holds = fc.property(fc.tuple(values, values, values), (triple) => judge(triple) === undefined);
  const { counterexample, numRuns } = fc.check(holds, { numRuns: cases, seed });
  return { tried: numRuns, broken: counterexample === null ? undefined : judge(counterexample[0]) };
}
