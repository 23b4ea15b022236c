// Nodes that stand still for a while and then go on as if nothing had been: R10 of the contract. By hand for longer:
//   E2E_FREEZE_MS=30000 npx vitest run test/freeze.test.ts

import { expect, test } from "vitest";

import type { RealNode } from "../src/real-cluster.ts";
import { slotsLed } from "../src/slot-moves.ts";
import { elapse, until } from "../src/until.ts";
import { tell, expectSurvived } from "./fault-fixture.ts";
import { startCluster } from "./fixture.ts";

const fixture = startCluster({ data: 2, sessions: 2 });

/** Longer than a node lease, shorter than a registration lease. */
const FREEZE_MS = Number(process.env["E2E_FREEZE_MS"] ?? 5_000);

const TIMEOUT_MS = FREEZE_MS + 40_000;

// The first, for a data node that was away gets its slots back after a minute, and those are moves as well.
test(
  "meta stands still: registering and pushing go on, and when it wakes nothing moves",
  async () => {
    const { cluster } = fixture;
    await until(async () => slotsLed((await cluster.state()).table, cluster.data).every((count) => count === 128), {
      what: "both lead the same number of slots",
    });
    await cluster.ready();
    await expectSurvived(cluster, { name: "frozen-meta" }, async ({ traffic, slots }) => {
      const { meta } = cluster;
      cluster.freeze(meta);
      const from = performance.now();
      await elapse(FREEZE_MS / 2);
      const seenMs = await traffic.converge(1_000);
      tell(`meta stands still: a change of every service is seen after ${seenMs.toFixed(0)} ms`);
      traffic.start();
      await elapse(FREEZE_MS - (performance.now() - from));
      cluster.thaw(meta);
      await cluster.ready();
      expect(slots.moves.length, "slots that moved").toBe(0);
    });
  },
  TIMEOUT_MS,
);

/** Shorter than a node lease: the contract's R20. */
const BLOCK_MS = 2_000;

/** Ten times what is between two looks at how late an event loop is, in milliseconds. */
const LOOK_MS = 100;

/** How late the event loop of a node ran at worst since this was asked the last time, in milliseconds. */
async function loopDelayMs({ address }: RealNode): Promise<number> {
  const metrics = await (await fetch(`http://${address}/metrics`)).text();
  return 1_000 * Number(/^rollcall_event_loop_delay_max_seconds (\S+)$/m.exec(metrics)?.[1]);
}

test.each(["meta", "data", "session"] as const)(
  "a %s node does nothing for 2 s, as when its event loop is blocked: nobody is given up, nothing moves, and its metric tells",
  async (role) => {
    const { cluster } = fixture;
    await cluster.ready();
    await expectSurvived(cluster, { name: `blocked-${role}` }, async ({ slots }) => {
      const node = { meta: cluster.meta, data: cluster.data[0]!, session: cluster.sessions[0]! }[role];
      const before = (await cluster.state()).members;
      await loopDelayMs(node);
      // After a reading the first look is what the next one is measured from.
      await elapse(LOOK_MS);
      cluster.freeze(node);
      await elapse(BLOCK_MS);
      cluster.thaw(node);
      const delayMs = await until(
        async () => {
          const ms = await loopDelayMs(node);
          return ms > BLOCK_MS / 2 ? ms : undefined;
        },
        { what: `the metrics of ${node.nodeId} tell` },
      );
      tell(`${node.nodeId} did nothing for ${BLOCK_MS} ms: its event loop says ${delayMs.toFixed(0)} ms`);
      await cluster.ready();
      expect((await cluster.state()).members).toEqual(before);
      expect(slots.moves).toEqual([]);
    });
  },
  TIMEOUT_MS,
);

test(
  "a data node stands still: others take its slots over, and what it does when it wakes hurts nobody",
  async () => {
    const { cluster } = fixture;
    await expectSurvived(cluster, { name: "frozen-data" }, async () => {
      const [frozen] = cluster.data as [RealNode];
      const from = performance.now();
      cluster.freeze(frozen);
      await until(async () => slotsLed((await cluster.state()).table, [frozen])[0] === 0, {
        what: "others lead its slots",
      });
      tell(`a data node stands still: others lead its slots after ${(performance.now() - from).toFixed(0)} ms`);
      await elapse(FREEZE_MS - (performance.now() - from));
      cluster.thaw(frozen);
    });
  },
  TIMEOUT_MS,
);

test(
  "a session stands still: its clients go to the other one, and nobody is shown a change",
  async () => {
    const { cluster } = fixture;
    await cluster.ready();
    await expectSurvived(cluster, { name: "frozen-session" }, async () => {
      const [frozen] = cluster.sessions as [RealNode];
      cluster.freeze(frozen);
      await elapse(FREEZE_MS);
      cluster.thaw(frozen);
    });
  },
  TIMEOUT_MS,
);
