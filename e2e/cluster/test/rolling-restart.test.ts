// Every node of every role is restarted in turn, as for an upgrade, while clients are at work: R2 of the contract for all roles.

import { test } from "vitest";

import { expectSurvived, tell } from "./fault-fixture.ts";
import { startCluster } from "./fixture.ts";

const fixture = startCluster({ data: 2, sessions: 2, metas: 2, etcdMembers: 1 });

test("metas, data nodes and sessions are restarted one after the other: nobody sees a change that nobody made", async () => {
  const { cluster } = fixture;
  await expectSurvived(cluster, { name: "rolling" }, async () => {
    for (const node of [...cluster.metas, ...cluster.data, ...cluster.sessions]) {
      const from = performance.now();
      await cluster.stop(node);
      const stoppedMs = performance.now() - from;
      await cluster.restart(node);
      await cluster.ready();
      tell(
        `${node.nodeId}: stopped in ${stoppedMs.toFixed(0)} ms, ready ${(performance.now() - from).toFixed(0)} ms after`,
      );
    }
  });
}, 90_000);
