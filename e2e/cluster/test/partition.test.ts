// Networks between the servers that are cut, come and go, lose and are slow: R7, R8 and R9 of the contract. It takes the
// right to make network namespaces (Linux, root); where that is missing there is nothing to try.

import { describe, expect, onTestFinished, test } from "vitest";

import { LOSES_30_PERCENT, flap } from "../src/flapping.ts";
import type { RealNode } from "../src/real-cluster.ts";
import { RealNetwork } from "../src/real-network.ts";
import { SlowDoor } from "../src/slow-door.ts";
import { slotsLed } from "../src/slot-moves.ts";
import { elapse, until } from "../src/until.ts";
import { tell, expectSurvived } from "./fault-fixture.ts";
import { startCluster } from "./fixture.ts";

const impossible = await RealNetwork.impossible();

/** Longer than a node lease, shorter than a registration lease. */
const CUT_MS = Number(process.env["E2E_CUT_MS"] ?? 6_000);

const TIMEOUT_MS = CUT_MS + 40_000;

test("networks are cut wherever there is the right to", () => {
  const mayCut = process.platform === "linux" && process.getuid?.() === 0;
  expect(mayCut ? impossible : undefined).toBeUndefined();
});

describe.each(impossible === undefined ? ["a network"] : [])("%s", () => {
  const fixture = startCluster({ data: 2, sessions: 2, network: true });

  test(
    "between a data node and meta is cut: another one takes over, and nobody notices",
    async () => {
      const { cluster } = fixture;
      await expectSurvived(cluster, { name: "data-from-meta" }, async () => {
        const [lonely] = cluster.data as [RealNode];
        const from = performance.now();
        await cluster.network.cut(lonely.nodeId, cluster.meta.nodeId);
        await until(async () => slotsLed((await cluster.state()).table, [lonely])[0] === 0, {
          what: "others lead its slots",
        });
        tell(`a data node is cut from meta: others lead its slots after ${(performance.now() - from).toFixed(0)} ms`);
        await elapse(CUT_MS - (performance.now() - from));
        await cluster.network.heal();
      });
    },
    TIMEOUT_MS,
  );

  test(
    "between a data node and the sessions is cut: changes wait, no view shrinks",
    async () => {
      const { cluster } = fixture;
      await cluster.ready();
      await expectSurvived(cluster, { name: "data-from-sessions" }, async () => {
        await cluster.network.cut(cluster.data[0]!.nodeId, ...idsOf(cluster.sessions));
        await elapse(CUT_MS);
        await cluster.network.heal();
      });
    },
    TIMEOUT_MS,
  );

  test(
    "between a session and all data nodes is cut: what its clients have stays with the others",
    async () => {
      const { cluster } = fixture;
      await cluster.ready();
      const [one, other] = cluster.sessions.map(({ address }) => address) as [string, string];
      // Every other client is on the session that is cut off, and stays there.
      const serversOf = (client: string): string[] => [/[13]$/.test(client) ? one : other];
      await expectSurvived(cluster, { name: "session-from-data", serversOf }, async () => {
        await cluster.network.cut(cluster.sessions[0]!.nodeId, ...idsOf(cluster.data));
        await elapse(CUT_MS);
        await cluster.network.heal();
      });
    },
    TIMEOUT_MS,
  );

  test.each([
    ["comes and goes", { downMs: 700, upMs: 700 }],
    ["comes and goes one way", { downMs: 700, upMs: 700, oneWay: true }],
    ["loses 30 % of all packets", LOSES_30_PERCENT],
  ])(
    "to a data node %s: no slot is taken from it twice",
    async (how, flapping) => {
      const { cluster } = fixture;
      await cluster.ready();
      await expectSurvived(cluster, { name: how.replaceAll(/\W+/g, "-") }, async ({ world, slots }) => {
        const [one] = cluster.data.map(({ nodeId }) => nodeId) as [string];
        const others = idsOf([cluster.meta, ...cluster.sessions, ...cluster.data.slice(1)]);
        await flap(cluster.network, { one, others, random: world.random }, { ...flapping, forMs: CUT_MS });
        tell(`a data node's network ${how}: ${slots.moves.length} slots moved`);
        expect(slots.movedTwice()).toEqual([]);
      });
    },
    TIMEOUT_MS,
  );

  test(
    "to a data node takes 500 ms each way: it joins, serves and leaves, and nobody notices",
    async () => {
      const { cluster } = fixture;
      await cluster.ready();
      const door = await SlowDoor.open(cluster.network.outside, 500);
      onTestFinished(() => door[Symbol.asyncDispose]());
      await expectSurvived(cluster, { name: "far-away" }, async () => {
        const far = await cluster.addNode("data", "--advertise", door.address);
        door.leadTo(`${(await cluster.network.host(far.nodeId)).address}:9600`);
        const from = performance.now();
        await until(async () => slotsLed((await cluster.state()).table, [far])[0]! > 0, { what: "it leads slots" });
        await cluster.ready();
        tell(`a data node that is 500 ms away: ready to serve after ${(performance.now() - from).toFixed(0)} ms`);
        await cluster.stop(far);
      });
    },
    TIMEOUT_MS,
  );
});

function idsOf(nodes: readonly RealNode[]): string[] {
  return nodes.map(({ nodeId }) => nodeId);
}
