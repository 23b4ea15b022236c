export { RealCluster, type ClusterShape, type RealNode } from "./real-cluster.ts";
export { until, type UntilOptions } from "./until.ts";
