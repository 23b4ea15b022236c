// The simulator's scenario, word for word, in real time and on real sockets, judged by the same checkers.

import { registerToPush } from "@rollcall/e2e-simulation";
import { checkAll, formatViolations } from "@rollcall/testing";
import { expect, onTestFinished, test } from "vitest";

import { ProcessWorld } from "../src/process-world.ts";
import { elapse } from "../src/until.ts";
import { startCluster } from "./fixture.ts";

// A slot is not shown before every session is heard, and one that was killed may come back for as long as this.
const fixture = startCluster({ data: 2, sessions: 2, dataArgs: ["--registration-lease-ms", "3000"] });

const seedOfToday = Math.floor(Math.random() * 2 ** 31);

async function expectPromisesKept(seed: number, settleMs: number): Promise<void> {
  const world = new ProcessWorld(fixture.cluster, { seed, settleMs });
  onTestFinished(() => world.close());
  await registerToPush.run(world);
  const violations = checkAll(world.history.history(), world.limits);
  expect(violations, `seed ${seed}\n${formatViolations(violations)}`).toEqual([]);
}

test("register to push holds between real processes", async () => {
  await expectPromisesKept(seedOfToday, 2_500);
});

test("register to push holds while a session and a data node are killed and replaced", async () => {
  const { cluster } = fixture;
  const [session, data] = [cluster.sessions[0]!, cluster.data[0]!];
  // The new ones first, so that clients are told of more than one session that stays.
  await Promise.all([cluster.addNode("session"), cluster.addNode("data")]);
  await cluster.ready();
  const faults = (async () => {
    await elapse(1_500);
    await cluster.kill(session);
    await elapse(1_500);
    await cluster.kill(data);
  })();
  await expectPromisesKept(seedOfToday + 1, 5_000);
  await faults;
  expect([cluster.sessions.length, cluster.data.length]).toEqual([2, 2]);
});
