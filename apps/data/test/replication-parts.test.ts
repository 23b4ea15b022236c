/** The pieces of replication by themselves, where a whole conversation would not show what matters. */

import {
  RegistryError,
  epoch,
  serviceKey,
  silentLog,
  slotId,
  type ClaimRecord,
  type Held,
  type ReplicateRequest,
  type ReplicateResponse,
  type SlotUpdate,
  type Version,
} from "@rollcall/core";
import { SimClock } from "@rollcall/testing";
import { describe, expect, test } from "vitest";

import { slotsFollowedIn } from "../src/replication/followed-in.ts";
import { COMPARED_AT_ONCE_MAX } from "../src/replication/follower-peer.ts";
import { Following } from "../src/replication/following.ts";
import { RANGE_CLAIMS_MAX, rangesOf } from "../src/replication/parcels.ts";
import { WantedServices } from "../src/replication/slot-copying.ts";
import {
  FOLLOWER_SILENCE_MS,
  afterReceipt,
  afterSilence,
  type SlotDelivery,
} from "../src/replication/slot-delivery.ts";
import { FollowerLinks } from "../src/rpc/follower-links.ts";
import { clusterState } from "./cluster-fixture.ts";
import { HandMadeLink } from "./replication-fixture.ts";
import { ModelSlot } from "./replication-model.ts";

const ORDERS = serviceKey({ service: "orders" });
const SLOT = slotId(0);
const at = (counter: number): Version => ({ epoch: epoch(1), counter });
const held = (counter: number): Held => ({ version: at(counter), digest: { high: 0, low: counter } });

const claim = (instanceId: string, clientId = "c", bytes = 10): ClaimRecord => ({
  instanceId,
  clientId,
  version: { incarnation: 1, counter: 1 },
  removed: false,
  presumed: false,
  unhealthy: false,
  instance: new Uint8Array(bytes),
  session: "s#1",
  leaseMs: 0,
});

describe("ranges of a service", () => {
  const ranges = (claims: ClaimRecord[]) =>
    [...rangesOf(claims)].map(({ after, upTo, claims: inRange }) => `${after}..${upTo} ${inRange.length}`);
  const id = (number: number): string => `i-${String(number).padStart(4, "0")}`;

  test("cover all ids, even of a service that has none", () => {
    expect(ranges([])).toEqual([".. 0"]);
    expect(ranges([claim("a"), claim("b")])).toEqual([".. 2"]);
    const many = Array.from({ length: 2 * RANGE_CLAIMS_MAX + 1 }, (_, number) => claim(id(number)));
    expect(ranges(many)).toEqual([
      `..${id(RANGE_CLAIMS_MAX - 1)} ${RANGE_CLAIMS_MAX}`,
      `${id(RANGE_CLAIMS_MAX - 1)}..${id(2 * RANGE_CLAIMS_MAX - 1)} ${RANGE_CLAIMS_MAX}`,
      `${id(2 * RANGE_CLAIMS_MAX - 1)}.. 1`,
    ]);
  });

  test("end sooner when instances are large", () => {
    const large = Array.from({ length: 20 }, (_, number) => claim(id(number), "c", 32 * 1_024));
    expect(ranges(large)).toEqual([`..${id(7)} 8`, `${id(7)}..${id(15)} 8`, `${id(15)}.. 4`]);
  });

  test("never part the claims on one instance", () => {
    const one = Array.from({ length: RANGE_CLAIMS_MAX + 100 }, (_, number) => claim("same", `c-${number}`));
    expect(ranges([...one, claim("t")])).toEqual([`..same ${one.length}`, "same.. 1"]);
  });
});

describe("what has come of a service", () => {
  test("is complete when the ranges join, whatever their order", () => {
    const wanted = new WantedServices([ORDERS]);
    for (const [after, upTo] of [
      ["m", ""],
      ["", "c"],
      ["", "c"],
    ] as const) {
      wanted.arrived("default/default/orders", { after, upTo });
      expect(wanted.isEmpty).toBe(false);
    }
    wanted.arrived("default/default/orders", { after: "c", upTo: "m" });
    expect(wanted.isEmpty).toBe(true);
  });

  test("is not complete when ranges go round in circles", () => {
    const wanted = new WantedServices([ORDERS]);
    for (const [after, upTo] of [
      ["b", "a"],
      ["a", "b"],
      ["", "a"],
    ] as const)
      wanted.arrived("default/default/orders", { after, upTo });
    expect(wanted.isEmpty).toBe(false);
  });
});

describe("a delivery", () => {
  const sending = (isWhole: boolean): SlotDelivery => ({
    state: "sending",
    base: held(3),
    sent: at(7),
    isWhole,
    sentAt: 0,
  });

  test("believes a receipt of what is on its way, and no older one", () => {
    expect(afterReceipt(sending(true), held(7), false)).toEqual({ state: "idle", held: held(7) });
    expect(afterReceipt(sending(true), held(3), true)).toEqual(sending(true));
    expect(afterReceipt(sending(true), held(7), true)).toEqual({ state: "asked", held: undefined });
  });

  test("takes a digest that does not fit for a fault only when nothing was left out", () => {
    expect(afterReceipt(sending(false), held(7), true)).toEqual({ state: "idle", held: held(7) });
  });

  test("without a receipt is made again from the same base", () => {
    expect(afterSilence(sending(true), FOLLOWER_SILENCE_MS - 1)).toEqual(sending(true));
    expect(afterSilence(sending(true), FOLLOWER_SILENCE_MS)).toEqual({ state: "asked", held: held(3) });
  });
});

test("a node follows what the table says, each slot under its leader", () => {
  const { table } = clusterState({ leader: (slot) => (slot < 2 ? "data-9" : slot < 4 ? "data-1" : undefined) });
  const owners = table.owners.map((owner) => ({ ...owner, followers: ["data-1", "data-3"] }));
  expect(slotsFollowedIn({ ...table, owners }, "data-1")).toEqual(
    new Map([
      [
        "data-9",
        new Map([
          [0, 1],
          [1, 1],
        ]),
      ],
    ]),
  );
  expect(slotsFollowedIn(table, "data-1").size).toBe(0);
});

describe("a leader's link", () => {
  function startLeader(slots = [SLOT]) {
    const clock = new SimClock();
    const contents = new Map(slots.map((slot) => [slot, new ModelSlot(slot).lead(1)]));
    const content = contents.get(SLOT)!;
    const links = new FollowerLinks(
      { led: (slot) => contents.get(slot), tableEpoch: () => epoch(1) },
      { clock, log: silentLog },
    );
    content.changed = () => links.changed(SLOT);
    const link = new HandMadeLink(links);
    const heard = async () => {
      await clock.runFor(0);
      return link.heard();
    };
    return { clock, content, links, link, heard };
  }
  const follow = (leaderEpoch = 1, counter = 0) => ({
    follows: [
      { slot: SLOT, leaderEpoch: epoch(leaderEpoch), held: { version: at(counter), digest: { high: 0, low: 0 } } },
    ],
  });

  test("begins with a hello", () => {
    const { link } = startLeader();
    expect(() => link.say(follow())).toThrow(RegistryError);
    expect(() => link.say(follow())).toThrow("the first message of a follower is its hello");
  });

  test("gives no answer for a slot under another epoch", async () => {
    const { link, heard } = startLeader();
    link.hello();
    link.say(follow(2));
    expect(await heard()).toEqual([]);
    link.say(follow(1));
    expect(await heard()).toMatchObject([{ updates: [{ slot: SLOT, services: [] }] }]);
  });

  test("carries one update of a slot at a time, and one that is not confirmed again from its base", async () => {
    const { clock, content, links, link, heard } = startLeader();
    link.hello();
    link.say(follow());
    await heard();
    link.say({ receipts: [{ slot: SLOT, leaderEpoch: epoch(1), held: content, resync: false }] });
    content.register(ORDERS, "o-1");
    expect(await heard()).toMatchObject([{ updates: [{ base: at(0), version: at(1) }] }]);
    content.register(ORDERS, "o-2");
    expect(await heard()).toEqual([]);
    await clock.runFor(FOLLOWER_SILENCE_MS);
    links.sweep(clock.now());
    expect(await heard()).toMatchObject([{ updates: [{ base: at(0), version: at(2) }] }]);
  });

  test("answers a follower that holds the wrong thing with an inventory, and gives what it wants of it", async () => {
    const { content, link, heard } = startLeader();
    content.register(ORDERS, "o-1");
    link.hello();
    link.say(follow(1, 1));
    expect(await heard()).toMatchObject([{ inventories: [{ version: at(1), services: [{ key: ORDERS }] }] }]);
    const absent = serviceKey({ service: "absent" });
    link.say({ wants: [{ slot: SLOT, leaderEpoch: epoch(1), keys: [ORDERS, absent] }] });
    expect(await heard()).toMatchObject([
      {
        contents: [
          { after: "", upTo: "", content: { key: ORDERS, claims: [{ instanceId: "o-1" }] } },
          { after: "", upTo: "", content: { key: absent, claims: [] } },
        ],
      },
    ]);
  });

  test("waits while it is congested, and goes on when it has drained", async () => {
    const { content, link, heard } = startLeader();
    content.register(ORDERS, "o-1");
    link.hello();
    link.congested = true;
    link.say(follow());
    expect(await heard()).toEqual([]);
    content.register(ORDERS, "o-2");
    link.drain();
    expect(await heard()).toMatchObject([{ updates: [{ version: at(2) }] }]);
  });

  test("compares few slots at a time, and the next when one is done", async () => {
    const slots = Array.from({ length: COMPARED_AT_ONCE_MAX + 5 }, (_, slot) => slotId(slot));
    const { link, heard } = startLeader(slots);
    link.hello();
    link.say({ follows: slots.map((slot) => ({ slot, leaderEpoch: epoch(1), held: undefined })) });
    expect((await heard())[0]!.inventories).toHaveLength(COMPARED_AT_ONCE_MAX);
    link.say({ unfollows: [SLOT] });
    expect((await heard())[0]!.inventories).toHaveLength(1);
  });

  test("says nothing of a slot that is led no longer", async () => {
    const { content, link, heard } = startLeader();
    link.hello();
    link.say(follow());
    await heard();
    content.lead(2);
    content.register(ORDERS, "o-1");
    expect(await heard()).toEqual([]);
  });
});

describe("what a follower is told", () => {
  async function startFollowing() {
    const clock = new SimClock();
    const content = new ModelSlot(SLOT);
    content.take([], at(5));
    const said: Partial<ReplicateRequest>[] = [];
    const following = new Following({
      clock,
      link: { isOpen: true, isCongested: false, send: (request) => void said.push(request) },
      followed: () => content,
      tableEpoch: () => epoch(1),
      syncChanged: () => {},
      taken: { updates: 0, contents: 0, repairs: 0, mismatches: 0, bytes: 0 },
    });
    following.follow(new Map([[SLOT, epoch(1)]]));
    const heard = async () => {
      await clock.runFor(0);
      return said.splice(0);
    };
    await heard();
    const update = (base: number, version: number, ...ids: string[]): SlotUpdate => ({
      slot: SLOT,
      leaderEpoch: epoch(1),
      base: at(base),
      version: at(version),
      digest: { high: 0, low: 0 },
      services: [{ key: ORDERS, claims: ids.map((id) => claim(id)) }],
    });
    const tell = (response: Partial<ReplicateResponse>) => {
      following.receive({ updates: [], inventories: [], contents: [], slots: undefined, ...response });
      return heard();
    };
    return { content, following, tell, update };
  }

  test("is taken from what it holds, or from before", async () => {
    const { content, tell, update } = await startFollowing();
    expect(await tell({ updates: [update(3, 7)] })).toMatchObject([
      { receipts: [{ held: { version: at(7) }, resync: false }] },
    ]);
    expect(content.version).toEqual(at(7));
  });

  test("is asked for again when it leaves out something between", async () => {
    const { content, tell, update } = await startFollowing();
    expect(await tell({ updates: [update(6, 7, "o-1")] })).toMatchObject([
      { follows: [{ held: { version: at(5) } }], receipts: [] },
    ]);
    expect(content.version).toEqual(at(5));
    expect(content.live()).toEqual([]);
  });

  test("changes nothing when it is late, and is answered with what it holds by now", async () => {
    const { content, tell, update } = await startFollowing();
    expect(await tell({ updates: [update(1, 4, "o-1")] })).toMatchObject([
      { receipts: [{ held: { version: at(5) }, resync: false }] },
    ]);
    expect(content.live()).toEqual([]);
  });

  test("is not believed when the digest is another", async () => {
    const { tell, update } = await startFollowing();
    expect(await tell({ updates: [update(5, 6, "o-1")] })).toMatchObject([
      { receipts: [{ held: { version: at(6) }, resync: true }] },
    ]);
  });

  test("about a slot it does not follow is answered by saying so, and about another epoch by nothing", async () => {
    const { following, tell, update } = await startFollowing();
    expect(await tell({ updates: [{ ...update(5, 6), leaderEpoch: epoch(2) }] })).toEqual([]);
    following.follow(new Map());
    expect(await tell({})).toMatchObject([{ unfollows: [SLOT] }]);
    expect(await tell({ updates: [update(5, 6)] })).toMatchObject([{ unfollows: [SLOT] }]);
  });

  test("names a version with every inventory", async () => {
    const { tell } = await startFollowing();
    const inventory = { slot: SLOT, leaderEpoch: epoch(1), version: undefined, services: [] };
    expect(() => tell({ inventories: [inventory] })).toThrow(RegistryError);
  });
});
