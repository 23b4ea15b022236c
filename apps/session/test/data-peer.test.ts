import { NO_FILTER, slotOfServiceKey, type LinkRequest, type LinkResponse } from "@rollcall/core";
import { describe, expect, test } from "vitest";
import { DataPeer } from "../src/routing/data-peer.ts";
import { Handover } from "../src/routing/handover.ts";
import { ServiceDirectory } from "../src/routing/service-directory.ts";
import { connect, registerItem, startBackend } from "./client-fixture.ts";
import { LeaderDatum, ORDERS, encoded, slotTable, tableWith } from "./fixture.ts";

const NOTHING: LinkResponse = { results: [], reported: [], notifications: [], answers: [] };

function startPeer() {
  const backend = startBackend();
  const { clock, writer, registrations, interests } = backend;
  const handover = new Handover(registrations, () => peer.wake());
  const directory = new ServiceDirectory((_nodeId, query) => peer.query(query));
  const sent: Partial<LinkRequest>[] = [];
  const link = { isOpen: true, isCongested: false, send: (request: Partial<LinkRequest>) => void sent.push(request) };
  const peer: DataPeer = new DataPeer("d-1", clock, { writer, handover, interests, directory }, link);
  const said = async () => {
    await clock.runFor(0);
    return sent.splice(0);
  };
  return { ...backend, handover, directory, peer, link, said };
}

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
        reports: [],
        interests: [{ key: ORDERS }],
        queries: [{ namespace: "default" }],
        receipts: [],
      },
    ]);
    expect(await said()).toEqual([]);
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
    expect(again!.reports).toEqual([{ slot: slotOfServiceKey({ ...ORDERS, service: "empty" }), leaderEpoch: 1 }]);
    expect(again!.reports).toEqual(first!.reports);
  });
});

describe("what a data node says", () => {
  test("reaches whom it concerns, and a notification is receipted at once", async () => {
    const backend = startPeer();
    const { peer, handover, said } = backend;
    const client = connect(backend);
    client.say({ registers: [registerItem(1, 1)], subscribes: [{ key: ORDERS, filter: NO_FILTER, held: undefined }] });
    handover.adopt(slotTable(1, "d-1"));
    peer.wake();
    const [request] = await said();
    const leader = new LeaderDatum().put(encoded("a"));
    peer.receive({
      ...NOTHING,
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
});
