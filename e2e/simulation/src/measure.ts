/** P10 at the end of a run: nothing waits for anybody any more, and no more slot tables went round than there was cause. */

import type { HistoryEvent, HistoryRecorder } from "@rollcall/testing";

import type { SimCluster } from "./cluster/sim-cluster.ts";

/** What has to come to nothing when nobody does anything. */
const AT_REST_NOTHING = [
  "rollcall_session_writes_waiting",
  "rollcall_session_slots_unreported",
  "rollcall_data_slots_taking_over",
];

/** Slot tables that a fault, or its end, may lead to: slots move a few at a time. */
const TABLES_PER_FAULT = 60;

export function measureAtRest(cluster: SimCluster, history: HistoryRecorder): void {
  const { events } = history.history();
  const count = (kind: HistoryEvent["kind"]): number => events.filter((event) => event.kind === kind).length;
  const tablesMax = TABLES_PER_FAULT * (2 + count("fault"));
  history.record({ kind: "measured", what: "slot tables that went round", value: count("table"), max: tablesMax });
  for (const { nodeId, state, server } of cluster.nodes) {
    if (state !== "up") continue;
    for (const reason of server.unready())
      history.record({ kind: "measured", what: `${nodeId} is not ready at rest: ${reason}`, value: 1, max: 0 });
    for (const metric of server.metrics())
      if (metric.type !== "histogram" && AT_REST_NOTHING.includes(metric.name))
        history.record({ kind: "measured", what: `${metric.name} of ${nodeId} at rest`, value: metric.value, max: 0 });
  }
}
