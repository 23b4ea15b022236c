import { NO_FILTER, type Barrier, type Behind } from "@rollcall/core";
import { describe, expect, test } from "vitest";

import { connect, registerItem, unregisterItem } from "./client-fixture.ts";
import { ORDERS, SLOT, slotTable, tableWith, version } from "./fixture.ts";
import { startPeer } from "./peer-fixture.ts";

const BARRIER = { sequence: 4, key: ORDERS, version: version(7) };
const NOBODY: Behind = { subscribers: 0, sessions: 0 };

/** A client's barrier on its way through a session whose table says that d-1 leads everything. */
function asked() {
  const world = startPeer();
  world.adopt(slotTable(2, "d-1"));
  for (let slot = 0; slot < 256; slot++) world.hear({ reported: [report(slot, 2)] });
  const client = connect(world);
  client.say({ barriers: [BARRIER] });
  const barriers = async () => (await world.said()).flatMap((request) => request.barriers ?? []);
  const answers = async () => (await client.heard()).flatMap((message) => message.barriers);
  const answer = (sequence: number, behind: Behind) => world.hear({ barriers: [{ sequence, ...behind }] });
  return { ...world, client, barriers, answers, answer };
}

function report(slot: number, leaderEpoch: number) {
  return { slot, leaderEpoch, digest: { high: 0, low: 0 }, seen: version(0) } as never;
}

describe("a client's barrier", () => {
  test("goes to the leader of the slot, and what that answers comes back under the client's own number", async () => {
    const { barriers, answers, answer } = asked();
    const [{ sequence, ...barrier }] = (await barriers()) as [typeof BARRIER];
    expect(barrier).toEqual({ key: ORDERS, version: version(7) });
    answer(sequence, { subscribers: 2, sessions: 1 });
    expect(await answers()).toEqual([{ sequence: 4, subscribers: 2, sessions: 1 }]);
    answer(sequence, NOBODY);
    expect(await answers()).toEqual([{ sequence: 4, ...NOBODY }]);
    answer(sequence, NOBODY);
    expect(await answers()).toEqual([]);
  });

  test("is asked again every second until it is passed", async () => {
    const { clock, sweep, barriers, answer } = asked();
    const [{ sequence }] = (await barriers()) as [Barrier];
    sweep();
    expect(await barriers()).toEqual([]);
    await clock.runFor(1_000);
    sweep();
    expect(await barriers()).toMatchObject([{ sequence }]);
    answer(sequence, NOBODY);
    await clock.runFor(2_000);
    sweep();
    expect(await barriers()).toEqual([]);
  });

  test("is not put to a new leader before the two agree about the slot, and an answer of the old one counts no more", async () => {
    const { adopt, hear, barriers, answers } = asked();
    const [{ sequence }] = (await barriers()) as [Barrier];
    adopt(tableWith(slotTable(3, "d-1", 2), ORDERS, "d-1", 3));
    expect(await barriers()).toEqual([]);
    hear({ reported: [report(SLOT, 3)] });
    expect(await barriers()).toMatchObject([{ sequence }]);
    adopt(tableWith(slotTable(4, "d-1", 2), ORDERS, "d-2", 4));
    hear({ barriers: [{ sequence, ...NOBODY }] });
    expect(await answers()).toEqual([]);
  });

  test("said again while it is open is one barrier, and goes with its client", async () => {
    const { client, clock, sweep, barriers } = asked();
    client.say({ barriers: [BARRIER] });
    expect(await barriers()).toHaveLength(1);
    client.connection.close();
    await clock.runFor(2_000);
    sweep();
    expect(await barriers()).toEqual([]);
  });
});

test("a barrier leaves after the removal that it is about", async () => {
  const world = startPeer();
  world.adopt(slotTable(2, "d-1"));
  for (let slot = 0; slot < 256; slot++) world.hear({ reported: [report(slot, 2)] });
  const client = connect(world);
  client.say({ registers: [registerItem(1, 1)], unregisters: [unregisterItem(2, 2)], barriers: [BARRIER] });
  client.say({ subscribes: [{ key: ORDERS, filter: NO_FILTER, held: undefined }] });
  const [request] = await world.said();
  expect([request!.writes?.map(({ kind }) => kind), request!.barriers?.length]).toEqual([["unregister"], 1]);
});
