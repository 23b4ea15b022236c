// Data nodes that hand their slots over: before they stop, and because an operator says so.

import { createClient as createRpcClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { controlId, type ClusterState, type Control } from "@rollcall/core";
import { ControlService, wireFromControlRecord } from "@rollcall/protocol";
import { expect, test } from "vitest";

import type { RealNode } from "../src/real-cluster.ts";
import { slotsLed } from "../src/slot-moves.ts";
import { until } from "../src/until.ts";
import { expectSurvived, tell } from "./fault-fixture.ts";
import { startCluster } from "./fixture.ts";

const fixture = startCluster({ data: 3, sessions: 2 });

const TIMEOUT_MS = 60_000;

function owns({ table }: ClusterState, { nodeId }: RealNode): boolean {
  return table.owners.some(({ leader, followers }) => leader === nodeId || followers.includes(nodeId));
}

/** Looks at every table that there is meanwhile: nobody leads alone. */
async function watchingFollowers<Result>(during: () => Promise<Result>): Promise<Result> {
  const { cluster } = fixture;
  const over = new AbortController();
  const alone = new Set<number>();
  const watch = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const { table } = await cluster.state();
      for (const [slot, { followers }] of table.owners.entries()) if (followers.length === 0) alone.add(slot);
    }
  };
  const watching = watch();
  const result = await during().finally(() => over.abort());
  await watching;
  expect([...alone], "slots that nobody followed at some time").toEqual([]);
  return result;
}

test(
  "a data node that is told to stop ends when others have all its slots, and nobody notices",
  { timeout: TIMEOUT_MS },
  async () => {
    const { cluster } = fixture;
    await expectSurvived(cluster, { name: "stopped-data" }, async ({ slots }) => {
      const [leaving] = cluster.data as [RealNode];
      const led = slotsLed((await cluster.state()).table, [leaving])[0]!;
      expect(led).toBeGreaterThan(0);
      const from = performance.now();
      await watchingFollowers(() => cluster.stop(leaving));
      tell(`${led} slots led, and as many followed, were handed over in ${(performance.now() - from).toFixed(0)} ms`);
      const { end } = await leaving.program.line(({ message }) => message === "slots were handed over", "how it went");
      expect(end).toBe("all slots are with others");
      expect(slots.moves.filter(({ from: loser }) => loser === leaving.nodeId)).toHaveLength(led);
      expect(slots.movedTwice()).toEqual([]);
      await cluster.restart(leaving);
      await cluster.settled();
    });
  },
);

test(
  "a data node that an operator drains serves until it owns nothing, and is given its share when it may join",
  { timeout: TIMEOUT_MS },
  async () => {
    const { cluster } = fixture;
    const [drained] = cluster.data as [RealNode];
    const control: Control = { kind: "node drain", nodeId: drained.nodeId };
    const service = createRpcClient(
      ControlService,
      createConnectTransport({ baseUrl: `http://${cluster.meta.address}`, httpVersion: "1.1" }),
    );
    const memberOf = ({ members }: ClusterState) => members.find(({ nodeId }) => nodeId === drained.nodeId);
    await expectSurvived(cluster, { name: "drained-data" }, async () => {
      const asked = { id: "", version: 0, author: "ann", reason: "a new disk", decidedAt: "", expiresInMs: undefined };
      await service.setControl({ record: wireFromControlRecord({ ...asked, control }) });
      await watchingFollowers(() =>
        until(async () => !owns(await cluster.state(), drained), { what: "the drained node owns nothing" }),
      );
      expect(memberOf(await cluster.state())).toMatchObject({ draining: true });
      // Its next life is drained as well.
      await cluster.stop(drained);
      await cluster.restart(drained);
      await cluster.ready();
      expect(owns(await cluster.state(), drained)).toBe(false);
      await service.removeControl({ id: controlId(control), author: "ann", reason: "it is in" });
      await cluster.settled();
      expect(memberOf(await cluster.state())).toMatchObject({ draining: false });
    });
  },
);

test("data nodes that are all told to stop do not wait for each other", { timeout: TIMEOUT_MS }, async () => {
  const { cluster } = fixture;
  const { data } = cluster;
  await Promise.all(data.map((node) => cluster.stop(node)));
  for (const { program } of data) {
    const { end } = await program.line(({ message }) => message === "slots were handed over", "how it went");
    expect(["nobody takes them", "all slots are with others"]).toContain(end);
  }
});
