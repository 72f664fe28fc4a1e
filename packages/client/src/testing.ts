/**
 * For the tests of programs that use Kvorum: the laws of resolvers, and a Kvorum in memory.
 * @packageDocumentation
 */
export type { Arbitrary } from "./testing/cases.js";
export {
  checkResolver,
  ResolverLawError,
  type CheckOptions,
  type CheckReport,
  type Law,
} from "./testing/check-resolver.js";
export { FakeKvorum, openFake } from "./testing/fake.js";
export type { Fault, FaultyOperation } from "./testing/faults.js";
export { siblingsOf } from "./testing/siblings.js";
