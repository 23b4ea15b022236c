// For the tests of programs that use the client: a real cluster, and the registry in memory beside it.

export { startCluster, type Cluster, type ClusterNode, type ClusterOptions } from "./test-cluster.ts";
export { createMemoryRegistry, type MemoryRegistry } from "@rollcall/sdk/testing";
