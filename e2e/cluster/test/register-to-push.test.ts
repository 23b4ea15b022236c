// The simulator's scenario, word for word, in real time and on real sockets, judged by the same checkers.

import { registerToPush } from "@rollcall/e2e-simulation";
import { checkAll, formatHistory, formatViolations } from "@rollcall/testing";
import { expect, onTestFinished, test } from "vitest";

import { ProcessWorld } from "../src/process-world.ts";
import { elapse } from "../src/until.ts";
import { startCluster } from "./fixture.ts";

// A slot is not shown before every session is heard, and one that was killed may come back for as long as this.
const fixture = startCluster({ data: 2, sessions: 2, dataArgs: ["--registration-lease-ms", "3000"] });

/** `E2E_SEED` tries one again. What clients do is the same then; what comes of it depends on the moment, too. */
const seedOfToday = Number(process.env["E2E_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

async function expectPromisesKept(seed: number, settleMs: number): Promise<void> {
  const world = new ProcessWorld(fixture.cluster, { seed, settleMs });
  onTestFinished(() => world.close());
  await registerToPush.run(world);
  const history = world.history.history();
  const violations = checkAll(history, world.limits);
  const story = (): string => formatHistory(history, new Set(violations.flatMap(({ service }) => service ?? [])));
  expect(violations.length, `seed ${seed}\n${formatViolations(violations)}\n\n${story()}`).toBe(0);
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
