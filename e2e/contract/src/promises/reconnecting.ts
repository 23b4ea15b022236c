import type { Client, ClientEvents, EventName } from "@rollcall/sdk";
import { expect, test, type TestContext } from "vitest";

import type { ContractRegistry } from "../client-contract.ts";
import { Watched, clientOf, eventually, idsOf, settled } from "../watched.ts";

const address = "10.0.0.1:80";

export function reconnecting(registry: () => ContractRegistry): void {
  /** The means to break a connection; where there are none the test is left out. */
  function breaking({ skip }: TestContext): (client: Client) => () => void {
    if (registry().disconnect === undefined) skip("this platform lets nobody break a connection");
    return (client) => registry().disconnect!(client);
  }

  test("a reconnect that nothing happened in is seen by nobody", async (context) => {
    const disconnect = breaking(context);
    const [lost, other] = [clientOf(registry()), clientOf(registry())];
    await lost.register({ service: "silent", id: "a", address });
    const [own, others] = [new Watched(lost, "silent"), new Watched(other, "silent")];
    await own.untilIds("a");
    await others.untilIds("a");
    const connected = namesOf(lost, "connected");
    for (let round = 1; round <= 3; round++) {
      disconnect(lost)();
      await eventually(() => expect(connected).toHaveLength(round));
    }
    expect(await settled(other, own)).toEqual([["a"], ["a"]]);
    await others.untilIds("a");
    expect(others.ids.filter((ids) => !ids.includes("a"))).toEqual([]);
  });

  test("views stay while there is no connection, and catch up with what happened", async (context) => {
    const disconnect = breaking(context);
    const [lost, other] = [clientOf(registry()), clientOf(registry())];
    const goes = await other.register({ service: "caught-up", id: "goes", address });
    await other.register({ service: "caught-up", id: "stays", address });
    const watched = new Watched(lost, "caught-up");
    await watched.untilIds("goes", "stays");
    const disconnected = namesOf(lost, "disconnected");
    const reconnect = disconnect(lost);
    await eventually(() => expect(disconnected).toHaveLength(1));
    await goes.unregister();
    await other.register({ service: "caught-up", id: "came", address });
    expect(idsOf(watched.subscription.current()!)).toEqual(["goes", "stays"]);
    reconnect();
    await watched.untilIds("came", "stays");
    expect(watched.ids).toEqual([
      ["goes", "stays"],
      ["came", "stays"],
    ]);
  });

  test("what is asked for without a connection is done on the next", async (context) => {
    const disconnect = breaking(context);
    const [lost, other] = [clientOf(registry()), clientOf(registry())];
    const [goes, changes] = await Promise.all([
      lost.register({ service: "later", id: "goes", address }),
      lost.register({ service: "later", id: "changes", address }),
    ]);
    const watched = new Watched(other, "later");
    await watched.untilIds("changes", "goes");
    const reconnect = disconnect(lost);
    const asked = [
      goes.unregister(),
      changes.update({ weight: 9 }),
      lost.register({ service: "later", id: "comes", address }),
      lost.resolve("later-nobody"),
    ];
    reconnect();
    await Promise.all(asked);
    // Three instances are three changes, in any order.
    const done = [{ id: "changes", weight: 9 }, { id: "comes" }];
    await watched.until(({ instances }) => expect(instances).toMatchObject(done));
  });

  test("waiting without a connection ends when its time is over or its signal says so", async (context) => {
    const disconnect = breaking(context);
    const client = clientOf(registry(), { closeTimeoutMs: 0 });
    await client.resolve("over");
    const disconnected = namesOf(client, "disconnected");
    const reconnect = disconnect(client);
    await eventually(() => expect(disconnected).toHaveLength(1));
    await expect(client.resolve("over", {}, { timeoutMs: 1 })).rejects.toMatchObject({ reason: "deadline_exceeded" });
    const controller = new AbortController();
    const resolving = client.resolve("over", {}, { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(resolving).rejects.toThrow("enough");
    expect(client.state).not.toBe("connected");
    reconnect();
    expect((await client.resolve("over")).instances).toEqual([]);
    expect(client.state).toBe("connected");
  });
}

function namesOf<Name extends EventName>(client: Client, name: Name): ClientEvents[Name][] {
  const events: ClientEvents[Name][] = [];
  client.on(name, (event) => events.push(event));
  return events;
}
