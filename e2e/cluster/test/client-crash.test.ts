// Clients that end without a word: R12 of the contract. To lose a host without a FIN takes the right to make network
// namespaces (Linux, root); where that is missing there is nothing to try.

import { describe, expect, test } from "vitest";

import type { Program } from "../src/processes.ts";
import type { RealCluster } from "../src/real-cluster.ts";
import { RealNetwork } from "../src/real-network.ts";
import { RecordedViews } from "../src/recorded-views.ts";
import { tell } from "./fault-fixture.ts";
import { startCluster } from "./fixture.ts";

const impossible = await RealNetwork.impossible();

/** A provider of its own process, on a host of its own if it is to be lost with it. */
function startProvider(cluster: RealCluster, service: string, runner?: readonly string[]): Program {
  return cluster.group.start({
    name: `provider of ${service}`,
    script: "apps/cli/src/main.ts",
    args: ["register", service, "10.0.0.1:80", "--id", "a", "--server", cluster.sessions[0]!.address],
    runner,
  });
}

/** How long the instance stays in view after what `end` does to its client, in milliseconds. */
async function timeToGo(views: RecordedViews, end: () => Promise<unknown>, withinMs?: number): Promise<number> {
  const from = performance.now();
  await end();
  await views.untilIds([], withinMs);
  expect(views.last?.confirmed).toBe(true);
  return performance.now() - from;
}

describe("a client whose process is killed", () => {
  const fixture = startCluster({ data: 2, sessions: 2 });

  test("is gone at once", async () => {
    const views = new RecordedViews(fixture.client(), "killed");
    const provider = startProvider(fixture.cluster, "killed");
    await views.untilIds(["a"]);
    const goneMs = await timeToGo(views, () => provider.kill());
    tell(`a client is killed: its instance is gone after ${goneMs.toFixed(0)} ms`);
    expect(views.idsShown).toEqual([[], ["a"], []]);
  });
});

describe.each(impossible === undefined ? ["a network"] : [])("in %s", () => {
  const fixture = startCluster({ data: 2, sessions: 2, network: true });

  test("a client whose host is lost without a word stays for as long as a lease, and is gone then", async () => {
    const { cluster } = fixture;
    const host = await cluster.network.host("client-1");
    const views = new RecordedViews(fixture.client(), "host-lost");
    const provider = startProvider(cluster, "host-lost", host.runner);
    await views.untilIds(["a"]);
    const goneMs = await timeToGo(
      views,
      async () => {
        await cluster.network.cut("client-1", ...cluster.sessions.map(({ nodeId }) => nodeId));
        await provider.kill();
      },
      30_000,
    );
    tell(`a client's host is lost: its instance is gone after ${goneMs.toFixed(0)} ms`);
    expect(goneMs).toBeGreaterThan(5_000);
  }, 60_000);
});
