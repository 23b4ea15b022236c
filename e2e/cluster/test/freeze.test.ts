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
