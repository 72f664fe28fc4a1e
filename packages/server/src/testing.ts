/**
 * For the tests of programs that use Kvorum: a real cluster on this machine, and what the client has for tests.
 * @packageDocumentation
 */
export * from "@kvorum/client/testing";
export { ClusterNode } from "./testing/cluster-node.js";
export { LocalCluster, startCluster, type StartClusterOptions } from "./testing/start-cluster.js";
