import { compareVersions, epoch, serviceKey, slotId } from "@rollcall/core";
import { describe, expect, test } from "vitest";

import { FRAME_BYTES_AIM, RANGE_CLAIMS_MAX } from "../src/replication/parcels.ts";
import { FOLLOWER, LEADER, keysInOneSlot, startPair } from "./replication-fixture.ts";

const ORDERS = serviceKey({ service: "orders" });
const BILLING = serviceKey({ service: "billing" });

async function startedPair(options: Parameters<typeof startPair>[0] = {}) {
  const pair = startPair(options);
  pair.adopt();
  expect(await pair.converge()).toBe("met");
  return pair;
}

describe("a follower", () => {
  test("has what the leader has, removals and all, and is told that it is synced", async () => {
    const pair = startPair();
    pair.led().register(ORDERS, "o-1");
    pair.led().register(ORDERS, "o-2");
    pair.led().unregister(ORDERS, "o-2");
    pair.adopt();
    expect(await pair.converge()).toBe("met");
    expect(pair.followed().live()).toEqual(["default/default/orders o-1 client-1 1.1 o-1 "]);
    expect(pair.followed().removed()).toEqual(pair.led().removed());
    expect(pair.followed().version).toEqual(pair.led().version);
    expect(pair.said).toEqual(["slot 0 epoch 1 synced"]);
    expect([...pair.leaders.synced()]).toEqual([0]);
  });

  test("is told that it is synced when there is nothing at all", async () => {
    const pair = await startedPair({ slots: [slotId(0), slotId(7)] });
    expect(pair.said).toEqual(["slot 0 epoch 1 synced", "slot 7 epoch 1 synced"]);
    expect(pair.followers.sent).toMatchObject({ updates: 2, inventories: 0 });
  });

  test("gets a change within a delay of the network, in one message however many there are at a time", async () => {
    const pair = await startedPair();
    const before = { ...pair.followers.sent };
    for (let number = 0; number < 50; number++) pair.led().register(ORDERS, `o-${number}`);
    await pair.clock.runFor(1);
    expect(pair.followed().live()).toHaveLength(50);
    expect(pair.followers.sent.updates - before.updates).toBe(1);
    expect(pair.leaders.count()).toEqual({ followed: 1, inSync: 1 });
  });

  test("that comes back gets what has changed and no more", async () => {
    const pair = await startedPair();
    for (let number = 0; number < 100; number++) pair.led().register(ORDERS, `o-${number}`);
    await pair.converge();
    pair.network.reset(`${LEADER}:9620`, `${FOLLOWER}:9620`);
    pair.led().unregister(ORDERS, "o-7");
    const before = pair.followers.sent.bytes;
    expect(await pair.converge()).toBe("met");
    expect(pair.followed().live()).toHaveLength(99);
    expect(pair.followers.sent.inventories).toBe(0);
    expect(pair.followers.sent.bytes - before).toBeLessThan(500);
    expect(pair.said).toEqual(["slot 0 epoch 1 synced"]);
  });

  test("that fell behind the log gets only the services that differ", async () => {
    const pair = await startedPair({ logMax: 10 });
    for (let number = 0; number < 10; number++) pair.led().register(ORDERS, `o-${number}`);
    await pair.converge();
    pair.network.partition(`${LEADER}:9620`, `${FOLLOWER}:9620`);
    for (let number = 0; number < 20; number++) pair.led().register(BILLING, `b-${number}`);
    await pair.clock.runFor(6_000);
    const before = { ...pair.followers.sent };
    pair.network.heal();
    expect(await pair.converge()).toBe("met");
    expect(pair.followed().live()).toHaveLength(30);
    expect(pair.followers.sent.inventories - before.inventories).toBe(1);
    expect(pair.followers.sent.contents - before.contents).toBe(1);
    // Being away is no damage: what it had was right for its version.
    expect(pair.said).toEqual(["slot 0 epoch 1 synced"]);
    expect(pair.leaders.taken.repairs).toBe(0);
  });

  test("loses what the leader has nothing of, and learns what was removed there", async () => {
    const pair = await startedPair({ logMax: 3 });
    pair.led().register(BILLING, "b-1");
    await pair.converge();
    pair.network.partition(`${LEADER}:9620`, `${FOLLOWER}:9620`);
    pair.led().unregister(BILLING, "b-1");
    for (let number = 0; number < 5; number++) pair.led().register(ORDERS, `o-${number}`);
    await pair.clock.runFor(6_000);
    pair.network.heal();
    expect(await pair.converge()).toBe("met");
    expect(pair.followed().live()).toHaveLength(5);
    expect(pair.followed().removed()).toEqual(pair.led().removed());
  });

  test("follows on when the leader gets a new epoch, and is synced under each", async () => {
    const pair = await startedPair();
    pair.led().register(ORDERS, "o-1");
    await pair.converge();
    pair.led().lead(2);
    pair.adopt({ version: 2, leaderEpoch: 2 });
    expect(pair.leaders.isSynced(slotId(0))).toBe(false);
    pair.led().register(ORDERS, "o-2");
    expect(await pair.converge()).toBe("met");
    expect(pair.followed().version).toEqual({ epoch: 2, counter: 1 });
    expect(pair.said).toEqual(["slot 0 epoch 1 synced", "slot 0 epoch 2 synced"]);
    // The basis of the new epoch is what the follower had, so changes alone were enough.
    expect(pair.followers.sent.inventories).toBe(0);
  });

  test("that knows the new epoch first asks until the leader knows it as well", async () => {
    const pair = await startedPair();
    pair.adopt({ version: 2, leaderEpoch: 2 });
    await pair.clock.runFor(3_000);
    expect(pair.leaders.isSynced(slotId(0))).toBe(false);
    pair.led().lead(2);
    expect(await pair.converge(1_500)).toBe("met");
  });

  test("stays synced while its leader is gone, until the table says otherwise", async () => {
    const pair = await startedPair();
    pair.network.crash(`${LEADER}:9620`);
    pair.adopt({ version: 2, members: [FOLLOWER] });
    await pair.clock.runFor(5_000);
    expect(pair.leaders.isSynced(slotId(0))).toBe(true);
    pair.adopt({ version: 3, leader: FOLLOWER, leaderEpoch: 2, members: [FOLLOWER] });
    expect(pair.leaders.count()).toEqual({ followed: 0, inSync: 0 });
  });

  test("that no longer follows a slot hears no more of it", async () => {
    const slots = [slotId(0), slotId(1)];
    const pair = await startedPair({ slots });
    pair.adopt({ version: 2, slots: [slotId(1)] });
    await pair.clock.runFor(10);
    const before = pair.followers.sent.updates;
    pair.led(slotId(0)).register(ORDERS, "o-1");
    await pair.clock.runFor(5_000);
    expect(pair.followers.sent.updates).toBe(before);
    expect(pair.followed(slotId(0)).live()).toEqual([]);
  });
});

describe("damaged content", () => {
  test("is noticed at the next change and repaired, and the follower is not synced meanwhile", async () => {
    const pair = await startedPair();
    pair.led().register(ORDERS, "o-1");
    pair.led().register(BILLING, "b-1");
    await pair.converge();
    pair.followed().damage(ORDERS, { instanceId: "o-1", clientId: "client-1" });
    pair.led().register(BILLING, "b-2");
    expect(await pair.converge()).toBe("met");
    expect(pair.followed().live()).toHaveLength(3);
    expect(pair.said).toEqual(["slot 0 epoch 1 synced", "slot 0 epoch 1 not synced", "slot 0 epoch 1 synced"]);
    expect(pair.leaders.taken).toMatchObject({ repairs: 1, contents: 1 });
  });

  test("is noticed without any change, by comparing all slots at once", async () => {
    const slots = [slotId(0), slotId(1), slotId(2)];
    const pair = await startedPair({ slots });
    for (const slot of slots) pair.led(slot).register(ORDERS, "o-1");
    await pair.converge();
    await pair.clock.runFor(15_000);
    expect(pair.leaders.taken.mismatches).toBe(0);
    pair.followed(slotId(1)).damage(ORDERS, { instanceId: "o-1", clientId: "client-1" });
    await pair.clock.runFor(11_000);
    expect(pair.isLike()).toBe(true);
    expect(pair.leaders.taken).toMatchObject({ mismatches: 1, repairs: 1 });
    expect(pair.followers.sent.inventories).toBe(1);
    await pair.clock.runFor(30_000);
    expect(pair.leaders.taken.mismatches).toBe(1);
  });

  test("an idle pair says a few bytes every ten seconds", async () => {
    const pair = await startedPair({ slots: Array.from({ length: 128 }, (_, slot) => slotId(slot)) });
    const before = pair.network.carried;
    await pair.clock.runFor(100_000);
    const frames = pair.network.carried.frames - before.frames;
    expect(frames).toBeGreaterThanOrEqual(9);
    expect(frames).toBeLessThanOrEqual(10);
    expect(pair.network.carried.bytes - before.bytes).toBeLessThan(300);
  });

  test("that cannot be repaired is told to the operator after half a minute", async () => {
    const pair = await startedPair();
    pair.leads.delete(slotId(0));
    pair.adopt({ version: 2, leaderEpoch: 2 });
    await pair.clock.runFor(29_000);
    expect(pair.leaders.problems(pair.clock.now())).toEqual([]);
    await pair.clock.runFor(3_000);
    expect(pair.leaders.problems(pair.clock.now())).toEqual([
      "1 slots are not in sync with their leader, slot 0 for 32 s (data-1)",
    ]);
  });
});

describe("much content", () => {
  const big = "x".repeat(2_000);

  test("of one service comes in ranges, and changes made meanwhile come after it", async () => {
    const { slot, keys } = keysInOneSlot(2);
    const pair = startPair({ slots: [slot], logMax: 100, faults: { windowBytes: 64 * 1_024 } });
    const [first, second] = keys as [typeof ORDERS, typeof ORDERS];
    for (let number = 0; number < 3_000; number++) pair.led().register(first, `o-${number}`);
    pair.adopt();
    // The leader is in the midst of it.
    await pair.clock.runUntilIdleOr(() => pair.leaders.taken.contents === 2, 10_000);
    pair.led().unregister(first, "o-0");
    pair.led().register(first, "o-1", "changed");
    pair.led().register(second, "b-1");
    expect(await pair.converge()).toBe("met");
    expect(pair.followed().live()).toHaveLength(3_000);
    expect(pair.followers.sent).toMatchObject({ inventories: 1, contents: Math.ceil(3_000 / RANGE_CLAIMS_MAX) });
  });

  test("is carried in frames of a bounded size, never more than the link wants to hold", async () => {
    const { slot, keys } = keysInOneSlot(40);
    const windowBytes = 64 * 1_024;
    const pair = startPair({ slots: [slot], logMax: 100, faults: { windowBytes, delayMs: 5 } });
    for (const key of keys) for (let number = 0; number < 50; number++) pair.led().register(key, `i-${number}`, big);
    pair.adopt();
    let most = 0;
    await pair.clock.runUntilIdleOr(() => {
      most = Math.max(most, pair.network.waitingBytes(`${LEADER}:9620`));
      return pair.followed().live().length === 2_000 && pair.leaders.count().inSync === 1;
    }, 60_000);
    expect(pair.isLike()).toBe(true);
    expect(pair.followers.sent.bytes).toBeGreaterThan(4_000_000);
    // One frame may be begun when the link takes nearly nothing any more.
    expect(most).toBeLessThan(windowBytes + FRAME_BYTES_AIM * 1.5);
  });

  test("of many slots on a slow link is sent once, slots in turn, and new changes overtake it", async () => {
    const slots = Array.from({ length: 40 }, (_, slot) => slotId(slot));
    const pair = startPair({ slots, logMax: 10, faults: { windowBytes: 64 * 1_024, delayMs: 40 } });
    for (const slot of slots)
      for (let number = 0; number < 200; number++) pair.led(slot).register(ORDERS, `o-${number}`, big);
    pair.adopt();
    await pair.clock.runUntilIdleOr(() => pair.leaders.count().inSync >= 10, 60_000);
    const ready = slots.find((slot) => pair.leaders.isSynced(slot))!;
    pair.led(ready).register(ORDERS, "new");
    await pair.clock.runFor(200);
    expect(pair.followed(ready).version).toEqual(pair.led(ready).version);
    expect(pair.leaders.count().inSync).toBeLessThan(40);
    expect(await pair.converge(60_000)).toBe("met");
    // It took longer than the follower waits for a silent leader. When its question and the answer cross on the way the
    // slot is compared again, but that is the exception.
    expect(pair.clock.now()).toBeGreaterThan(3_000);
    expect(pair.followers.sent.inventories).toBeLessThan(50);
    expect(pair.followers.sent.contents).toBeLessThan(90);
  });

  test("of changes comes in several updates, and an incomplete one raises no doubt", async () => {
    const pair = await startedPair({ logMax: 10_000 });
    for (let number = 0; number < 3_500; number++) pair.led().register(ORDERS, `o-${number % 3_000}`);
    expect(await pair.converge()).toBe("met");
    for (let number = 0; number < 300; number++) pair.led().register(BILLING, `b-${number}`, big);
    expect(await pair.converge()).toBe("met");
    expect(pair.followers.sent.inventories).toBe(0);
    expect(pair.followers.sent.updates).toBeGreaterThanOrEqual(1 + 3 + 3);
    expect(pair.said).toEqual(["slot 0 epoch 1 synced"]);
    expect(compareVersions(pair.followed().version, { epoch: epoch(1), counter: 3_800 })).toBe(0);
  });
});

test("changes coalesce while the link is congested", async () => {
  const pair = await startedPair({ faults: { windowBytes: 1_000 } });
  pair.network.pause(`${FOLLOWER}:9620`);
  pair.led().register(ORDERS, "o-1", "x".repeat(2_000));
  await pair.clock.runFor(100);
  const before = pair.followers.sent.updates;
  for (let number = 0; number < 200; number++) {
    pair.led().register(ORDERS, "o-2", String(number));
    await pair.clock.runFor(1);
  }
  expect(pair.followers.sent.updates).toBe(before);
  pair.network.resume(`${FOLLOWER}:9620`);
  expect(await pair.converge()).toBe("met");
  expect(pair.followers.sent.updates).toBe(before + 1);
});
