import {
  ALL_SLOTS,
  EMPTY_DIGEST,
  NO_FILTER,
  digestOfText,
  epoch,
  mixDigests,
  slotOfServiceKey,
  textFromServiceKey,
  toggleDigest,
  type RollUp,
} from "@rollcall/core";
import { describe, expect, test } from "vitest";
import { connect, registerItem } from "./client-fixture.ts";
import { LeaderDatum, ORDERS, PAYMENTS, SLOT, encoded, slotTable, tableWith, version } from "./fixture.ts";
import { startPeer, type Peer } from "./peer-fixture.ts";

/** Linked to d-1, which leads everything and has agreed to all of it. */
async function linked(table = slotTable(1, "d-1")) {
  const session = startPeer();
  const client = connect(session);
  session.adopt(table);
  client.say({ registers: [registerItem(1, 1)] });
  session.peer.linked();
  await agreeTo(session);
  const { clock, sweep, said } = session;
  /** What was said within so many milliseconds. */
  const saidIn = async (ms: number) => {
    await clock.runFor(ms);
    sweep();
    return said();
  };
  return { ...session, client, saidIn };
}

/** Applies and agrees until nothing more is said. */
async function agreeTo({ said, hear }: Peer): Promise<void> {
  for (let requests = await said(); requests.length > 0; requests = await said()) {
    for (const { writes = [], reports = [] } of requests) {
      const results = writes.map(({ sequence }) => {
        return { sequence, outcome: { kind: "applied", version: version(1) } } as const;
      });
      hear({ results, reported: reports });
    }
  }
}

describe("what is registered", () => {
  test("is compared once in each interval, as one digest over all slots of the node", async () => {
    const { registrations, antiEntropy, saidIn } = await linked(tableWith(slotTable(1, "d-1"), PAYMENTS, "d-2", 4));
    const digest = ALL_SLOTS.filter((slot) => slot !== slotOfServiceKey(PAYMENTS))
      .map((slot) => mixDigests({ high: slot, low: 1 }, registrations.digestOf(slot)))
      .reduce(toggleDigest, EMPTY_DIGEST);
    const rollUp: RollUp = { tableEpoch: epoch(1), digest };
    for (const _interval of [1, 2, 3]) {
      const said = await saidIn(10_000);
      expect(said.map(({ registrations }) => registrations)).toEqual([rollUp]);
    }
    expect(antiEntropy.comparisons).toBe(3);
  });

  test("is not compared while something of it waits to be sent, or is being handed over", async () => {
    const { writer, link, client, adopt, saidIn, hear, said } = await linked();
    link.isCongested = true;
    client.say({ registers: [registerItem(2, 2)] });
    expect(await saidIn(10_000)).toEqual([]);
    expect(writer.hasPendingFor("d-1")).toBe(true);
    link.isCongested = false;
    adopt(tableWith(slotTable(2, "d-1", 1), PAYMENTS, "d-1", 2));
    const [request] = await saidIn(10_000);
    expect([request!.writes?.length, request!.reports?.length, request!.registrations]).toEqual([1, 1, undefined]);
    hear({ reported: request!.reports! });
    const rest = [...(await said()), ...(await saidIn(250))];
    expect(rest.filter(({ registrations }) => registrations !== undefined)).toHaveLength(1);
  });

  test("by a node that has something else is reported slot by slot", async () => {
    const { hear, said } = await linked();
    hear({ reportAll: true });
    const [request] = await said();
    expect([request!.reports?.length, request!.writes]).toEqual([256, []]);
  });

  test("is compared with nobody whose link is down", async () => {
    const { peer, saidIn } = await linked();
    peer.lost();
    expect((await saidIn(20_000)).filter(({ registrations }) => registrations !== undefined)).toEqual([]);
  });
});

describe("what was notified", () => {
  const ofCopy = ({ datum }: LeaderDatum) => mixDigests(digestOfText(textFromServiceKey(datum.key)), datum.digest);

  /** Holds confirmed copies of orders and payments. */
  async function following() {
    const session = await linked();
    const { client, hear, said } = session;
    for (const key of [ORDERS, PAYMENTS]) client.say({ subscribes: [{ key, filter: NO_FILTER, held: undefined }] });
    await said();
    const [orders, payments] = [new LeaderDatum().put(encoded("a")), new LeaderDatum(PAYMENTS).put(encoded("p"))];
    hear({ notifications: [orders.snapshot, payments.snapshot] });
    await said();
    const copies = (...leaders: LeaderDatum[]) => ({
      tableEpoch: epoch(1),
      digest: leaders.map(ofCopy).reduce(toggleDigest, EMPTY_DIGEST),
    });
    return { ...session, orders, payments, copies };
  }

  test("and is here needs no words", async () => {
    const { orders, payments, copies, hear, said, antiEntropy } = await following();
    hear({ copies: copies(orders, payments) });
    expect([await said(), antiEntropy.comparisons]).toEqual([[], 1]);
  });

  test("and is not here is told by slot, for the node to say which it is; those are asked for again", async () => {
    const { orders, payments, copies, hear, said, antiEntropy } = await following();
    const other = new LeaderDatum().put(encoded("other"));
    hear({ copies: copies(other, payments) });
    const [request] = await said();
    expect(request!.copies).toHaveLength(256);
    expect(request!.copies).toContainEqual({ slot: SLOT, leaderEpoch: 1, digest: ofCopy(orders) });
    expect(request!.copies!.filter(({ digest }) => digest !== EMPTY_DIGEST)).toHaveLength(2);
    hear({ askAgain: [SLOT] });
    expect(await said()).toMatchObject([{ interests: [{ key: ORDERS, held: orders.datum.held }] }]);
    expect(antiEntropy.repairs).toBe(1);
    hear({ notifications: [other.snapshot], copies: copies(other, payments) });
    expect(await said()).toMatchObject([{ receipts: [{ held: other.datum.held }], copies: [] }]);
  });

  test("by another table, or while an interest has no answer, is not compared", async () => {
    const { orders, copies, hear, said, client, antiEntropy } = await following();
    hear({ copies: { ...copies(orders), tableEpoch: epoch(2) } });
    expect(await said()).toEqual([]);
    client.say({ subscribes: [{ key: { ...ORDERS, service: "new" }, filter: NO_FILTER, held: undefined }] });
    hear({ copies: copies(orders) });
    await said();
    hear({ copies: copies(orders) });
    expect([await said(), antiEntropy.comparisons]).toEqual([[], 0]);
  });
});
