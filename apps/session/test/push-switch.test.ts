/** Pushes that an operator stops: who is held, what goes out afterwards, and what is said meanwhile. */

import { NO_FILTER, type Filter, type PushOff, type PushScope } from "@rollcall/core";
import { describe, expect, test } from "vitest";
import { PushSwitch, type PushOffRecord } from "../src/pushes/push-switch.ts";
import { connect, startBackend } from "./client-fixture.ts";
import { ORDERS, encoded } from "./fixture.ts";

const off = (scope: PushScope, exceptClients: readonly string[] = []): PushOffRecord => {
  const control: PushOff = { kind: "push off", scope, exceptClients };
  return { id: "push", version: 1, author: "ann", reason: "a rollout", decidedAt: "", expiresInMs: undefined, control };
};

const everybody: PushScope = { kind: "cluster" };

describe("who is held", () => {
  const pushed = (namespace: string, zone = "") => ({ datum: { key: { namespace } }, filter: { zone } });
  const who = { clientId: "orders~12", address: "10.0.0.7:999" };

  test.each([
    { decided: [], pushed: pushed("shop"), held: false },
    { decided: [off(everybody)], pushed: pushed("shop"), held: true },
    { decided: [off({ kind: "namespace", namespace: "shop" })], pushed: pushed("shop"), held: true },
    { decided: [off({ kind: "namespace", namespace: "shop" })], pushed: pushed("bank"), held: false },
    { decided: [off({ kind: "zone", zone: "eu" })], pushed: pushed("shop", "eu"), held: true },
    { decided: [off({ kind: "zone", zone: "eu" })], pushed: pushed("shop"), held: false },
    { decided: [off(everybody, ["orders"])], pushed: pushed("shop"), held: false },
    { decided: [off(everybody, ["orders~12"])], pushed: pushed("shop"), held: false },
    { decided: [off(everybody, ["10.0.0.7"])], pushed: pushed("shop"), held: false },
    { decided: [off(everybody, ["order", "12", "10.0.0.71"])], pushed: pushed("shop"), held: true },
    {
      decided: [off(everybody, ["orders"]), off({ kind: "namespace", namespace: "shop" })],
      pushed: pushed("shop"),
      held: true,
    },
  ])("$decided and $pushed: $held", ({ decided, pushed: view, held }) => {
    const pushes = new PushSwitch();
    pushes.adopt(decided);
    expect(pushes.holds(view, who) !== undefined).toBe(held);
  });
});

describe("a subscription", () => {
  const subscribe = (filter: Filter = NO_FILTER) => ({ subscribes: [{ key: ORDERS, filter, held: undefined }] });

  async function start() {
    const backend = startBackend();
    const client = connect(backend);
    const decide = async (...records: PushOffRecord[]): Promise<void> => {
      backend.pushes.adopt(records);
      client.connection.pushesChanged();
      await backend.settle();
    };
    const register = async (id: string): Promise<void> => {
      backend.leader.put(encoded(id));
      await backend.notify();
    };
    const pushed = async () =>
      (await client.heard())
        .flatMap(({ pushes }) => pushes)
        .map(({ instances }) => instances.map(({ id }) => id).toSorted());
    const confirm = () => {
      const { held } = backend.leader.datum;
      client.say({ receipts: [{ key: ORDERS, filter: NO_FILTER, held, resync: false }] });
    };
    return { ...backend, ...client, decide, register, pushed, confirm };
  }

  test("that is held is pushed what it has missed as one push, and nothing when it has missed nothing", async () => {
    const { say, decide, register, pushed, confirm, connection } = await start();
    await register("a");
    say(subscribe());
    expect(await pushed()).toEqual([["a"]]);
    confirm();
    await decide(off(everybody));
    await decide();
    expect(await pushed()).toEqual([]);
    await decide(off(everybody));
    await register("b");
    await register("c");
    expect([await pushed(), connection.held]).toEqual([[], 1]);
    await decide();
    expect([await pushed(), connection.held]).toEqual([[["b", "c"]], 0]);
  });

  test("that begins while pushes are off is owed its first list, and keeps no other client from coming back", async () => {
    const { say, decide, register, pushed, connection, state } = await start();
    await register("a");
    await decide(off(everybody));
    say(subscribe());
    expect([await pushed(), connection.held, state.isRestored]).toEqual([[], 1, true]);
    await decide();
    expect(await pushed()).toEqual([["a"]]);
  });

  test("of a client that is excepted is pushed all the same, from when it is", async () => {
    const { say, decide, register, pushed } = await start();
    await decide(off(everybody));
    say(subscribe());
    await register("a");
    expect(await pushed()).toEqual([]);
    await decide(off(everybody, ["client-1"]));
    expect(await pushed()).toEqual([["a"]]);
  });

  test("that is held has not been told, unless it had been before", async () => {
    const { say, decide, register, pushed, confirm, interests, leader } = await start();
    await register("a");
    say(subscribe());
    await pushed();
    confirm();
    const viewer = [...interests.find(ORDERS)!.viewers()][0]!;
    const before = leader.datum.version;
    await decide(off(everybody));
    await register("b");
    expect([viewer.hasBeenTold(before), viewer.hasBeenTold(leader.datum.version)]).toEqual([true, false]);
  });

  test("is known to have been held, and by whom, when somebody asks why", async () => {
    const { say, decide, register, events } = await start();
    await register("a");
    say(subscribe());
    await decide(off(everybody));
    await register("b");
    const held = events.of("default/default/orders", 10).find(({ kind }) => kind === "heldBack");
    expect(held).toMatchObject({
      why: "pushes to everybody are off, decided by ann: a rollout",
    });
  });
});
