// Sessions with many clients that are killed, or stopped and started again: their clients go on elsewhere and nobody else notices.

import { checkAll, formatViolations } from "@rollcall/testing";
import { expect, onTestFinished, test } from "vitest";

import { Multitude } from "../src/multitude.ts";
import { ProcessWorld } from "../src/process-world.ts";
import type { RealNode } from "../src/real-cluster.ts";
import { machineTime } from "../src/recorded-views.ts";
import { elapse, until } from "../src/until.ts";
import { tell } from "./fault-fixture.ts";
import { startCluster } from "./fixture.ts";

/** All of them are in this process: the contract's thousand takes a machine that has nothing else to do. */
const CLIENTS = Number(process.env["E2E_CLIENTS"] ?? 200);

/** Rest after the end of everything, until which whatever is still to come has come, in milliseconds. */
const SETTLE_MS = 2_500;

/** Connections may differ by this share from the mean, and by a handful however few there are. */
const EVEN_SHARE = 0.2;
const EVEN_HANDFUL = 10;

const fixture = startCluster({ data: 2, sessions: 3, sessionArgs: ["--balance-every-ms", "500"] });

interface Stage {
  readonly world: ProcessWorld;
  readonly multitude: Multitude;
}

async function gather(name: string): Promise<Stage> {
  const world = new ProcessWorld(fixture.cluster, { seed: 1, settleMs: SETTLE_MS });
  onTestFinished(() => world.close());
  const multitude = await Multitude.gather(world, name, CLIENTS);
  world.history.record({ kind: "fault", what: name });
  return { world, multitude };
}

/** Nothing was news to anybody, everything works, and no promise was broken. */
async function expectUnnoticed({ world, multitude }: Stage): Promise<void> {
  await elapse(SETTLE_MS);
  expect(multitude.news()).toEqual([]);
  await multitude.proveLive();
  world.history.record({ kind: "faults over" });
  await elapse(SETTLE_MS);
  const violations = checkAll(world.history.history(), world.limits, { lossless: true });
  expect(violations.length, formatViolations(violations.slice(0, 20))).toBe(0);
}

test(
  "the clients of a session that is killed are elsewhere soon, and nobody is pushed anything",
  { timeout: 90_000 },
  async () => {
    const { cluster } = fixture;
    const stage = await gather("killed-of-many");
    const { multitude } = stage;
    const [dying] = cluster.sessions as [RealNode];
    const concerned = [...multitude.places]
      .filter(([, { nodeId }]) => nodeId === dying.nodeId)
      .map(([client]) => client);
    expect(concerned.length).toBeGreaterThan(0);

    const killedAt = machineTime();
    await cluster.kill(dying);
    const gone = (): string[] =>
      concerned.filter((client) => (multitude.places.get(client)?.nodeId ?? dying.nodeId) === dying.nodeId);
    await until(() => gone().length === 0, {
      what: "every client is elsewhere",
      withinMs: 30_000,
      because: () => `${gone().length} of ${concerned.length} are not`,
    });
    const times = concerned.map((client) => multitude.places.get(client)!.since - killedAt).toSorted((a, b) => a - b);
    const p99 = times[Math.ceil(times.length * 0.99) - 1]!;
    tell(
      `a session is killed: of ${CLIENTS} clients its ${times.length} are elsewhere, p99 after ${p99.toFixed(0)} ms`,
    );
    // Past the lease of the node and what follows from its end.
    await until(async () => !(await cluster.state()).members.some(({ nodeId }) => nodeId === dying.nodeId), {
      what: "the dead session is no member",
    });
    await expectUnnoticed(stage);
    await cluster.restart(dying);
    await cluster.ready();
  },
);

test(
  "all sessions are stopped and started again, nobody is without a connection, and they are even again",
  { timeout: 90_000 },
  async () => {
    const { cluster } = fixture;
    const stage = await gather("rolling");
    const { multitude } = stage;
    const nodeIds = cluster.sessions.map(({ nodeId }) => nodeId);
    const connected = (): string => multitude.connectedTo(nodeIds).join("/");
    const story = [connected()];

    const beganAt = machineTime();
    for (const session of cluster.sessions) {
      await cluster.stop(session);
      story.push(connected());
      await cluster.restart(session);
      await cluster.ready();
    }
    const restartedAt = machineTime();
    const mean = CLIENTS / nodeIds.length;
    const allowed = Math.max(EVEN_HANDFUL, mean * EVEN_SHARE);
    await until(() => multitude.connectedTo(nodeIds).every((count) => Math.abs(count - mean) <= allowed), {
      what: "connections are even",
      withinMs: 60_000,
      because: connected,
    });
    story.push(connected());
    tell(
      `sessions restarted one by one in ${(restartedAt - beganAt).toFixed(0)} ms, even ${(machineTime() - restartedAt).toFixed(0)} ms later: ${story.join(", ")}`,
    );
    expect(multitude.disconnected).toBe(0);
    await expectUnnoticed(stage);
    expect(multitude.disconnected).toBe(0);
  },
);
