import { NO_FILTER, slotOfServiceKey, type LinkRequest, type SlotReport } from "@rollcall/core";
import { describe, expect, test } from "vitest";
import { connect, registerItem } from "./client-fixture.ts";
import { LeaderDatum, ORDERS, SLOT, encoded, slotTable, tableWith } from "./fixture.ts";
import { startPeer } from "./peer-fixture.ts";

describe("what a session says to a data node", () => {
  test("goes out in one message once the input at hand has been handled", async () => {
    const backend = startPeer();
    const { peer, handover, directory, said } = backend;
    const client = connect(backend);
    client.say({ registers: [registerItem(1, 1)], subscribes: [{ key: ORDERS, filter: NO_FILTER, held: undefined }] });
    handover.adopt(tableWith(slotTable(1, "d-2"), ORDERS, "d-1", 1));
    directory.adopt(slotTable(1, "d-1"));
    directory.list("default", () => {});
    peer.wake();
    const messages = await said();
    expect(messages).toMatchObject([
      {
        writes: [{ instanceId: "i-1" }],
        reports: [{ slot: SLOT }],
        interests: [],
        queries: [{ namespace: "default" }],
        receipts: [],
      },
    ]);
    expect(await said()).toEqual([]);
  });

  test("asks a leader for lists only when it agrees on what is registered here, or has not for long", async () => {
    for (const agreesAfterMs of [10, Infinity]) {
      const backend = startPeer();
      const { peer, handover, interests, clock, said } = backend;
      connect(backend).say({ subscribes: [{ key: ORDERS, filter: NO_FILTER, held: undefined }] });
      handover.adopt(tableWith(slotTable(1, "d-2"), ORDERS, "d-1", 1));
      peer.wake();
      const [{ interests: asked, reports }] = (await said()) as [Pick<LinkRequest, "interests" | "reports">];
      expect(asked).toEqual([]);
      await clock.runFor(Math.min(agreesAfterMs, 15_000));
      if (agreesAfterMs < Infinity) handover.reported(reports[0]!);
      interests.sweep(clock.now());
      expect((await said()).flatMap((message) => message.interests ?? [])).toMatchObject([{ key: ORDERS }]);
    }
  });

  test("waits while the link is congested or down, and is not forgotten", async () => {
    const backend = startPeer();
    const { peer, link, said } = backend;
    const client = connect(backend);
    link.isCongested = true;
    client.say({ registers: [registerItem(1, 1)] });
    peer.wake();
    expect(await said()).toEqual([]);
    link.isCongested = false;
    link.isOpen = false;
    peer.wake();
    expect(await said()).toEqual([]);
    link.isOpen = true;
    peer.linked();
    expect(await said()).toMatchObject([{ writes: [{ instanceId: "i-1" }] }]);
  });

  test("is said again over a new link: writes without an answer, interests, reports without a confirmation", async () => {
    const backend = startPeer();
    const { peer, handover, said } = backend;
    const client = connect(backend);
    client.say({ registers: [registerItem(1, 1)], subscribes: [{ key: ORDERS, filter: NO_FILTER, held: undefined }] });
    handover.adopt(tableWith(slotTable(1, "d-2"), { ...ORDERS, service: "empty" }, "d-1", 1));
    peer.wake();
    const [first] = await said();
    peer.lost();
    peer.linked();
    const [again] = await said();
    expect(again!.writes).toMatchObject([{ instanceId: "i-1" }]);
    expect(again!.interests).toEqual(first!.interests);
    expect(again!.reports).toMatchObject([{ slot: slotOfServiceKey({ ...ORDERS, service: "empty" }), leaderEpoch: 1 }]);
    expect(again!.reports).toEqual(first!.reports);
  });
});

describe("what a data node says", () => {
  test("reaches whom it concerns, and a notification is receipted at once", async () => {
    const backend = startPeer();
    const { handover, hear, said } = backend;
    const client = connect(backend);
    client.say({ registers: [registerItem(1, 1)], subscribes: [{ key: ORDERS, filter: NO_FILTER, held: undefined }] });
    handover.adopt(slotTable(1, "d-1"));
    const [request] = await said();
    const leader = new LeaderDatum().put(encoded("a"));
    hear({
      results: [
        { sequence: request!.writes![0]!.sequence, outcome: { kind: "applied", version: leader.datum.version } },
      ],
      reported: request!.reports!,
      notifications: [leader.snapshot],
    });
    const heard = await client.heard();
    expect(heard.flatMap(({ results }) => results)).toMatchObject([{ sequence: 1, outcome: { kind: "applied" } }]);
    expect(heard.flatMap(({ pushes }) => pushes)).toHaveLength(1);
    expect(handover.openSlots).toBe(256 - request!.reports!.length);
    expect((await said())[0]!.receipts).toEqual([{ key: ORDERS, held: leader.datum.held, resync: false }]);
  });

  test("that it does not agree leads down to what differs, in the order of the conversation", async () => {
    const backend = startPeer();
    const { handover, registrations, hear, said, settle } = backend;
    const client = connect(backend);
    client.say({ registers: [registerItem(1, 1)] });
    handover.adopt(slotTable(1, "d-1"));
    const [first] = await said();
    const report = first!.reports!.find(({ slot }) => slot === SLOT) as SlotReport;
    expect(report.digest).toEqual(registrations.digestOf(SLOT));
    const ref = { slot: SLOT, leaderEpoch: report.leaderEpoch };
    hear({ disagreed: [ref] });
    expect(await said()).toMatchObject([{ inventories: [{ ...ref, services: [{ key: ORDERS }] }], writes: [] }]);
    hear({ differences: [{ ...ref, keys: [ORDERS] }] });
    const [again] = await said();
    const { sequence } = again!.writes![0]!;
    expect(again!.holdings).toMatchObject([{ key: ORDERS, afterWrite: sequence, held: [{ instanceId: "i-1" }] }]);
    hear({ results: [{ sequence, outcome: { kind: "applied", version: report.seen } }] });
    expect(await said()).toMatchObject([{ reports: [report] }]);
    hear({ reported: [report] });
    await settle();
    expect([await said(), handover.openSlots]).toEqual([[], 255]);
  });
});
