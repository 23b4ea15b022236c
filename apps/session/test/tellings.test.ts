import { NO_FILTER, filterFromInput, type Filter, type ToldAnswer } from "@rollcall/core";
import { describe, expect, test } from "vitest";

import { Tellings } from "../src/views/tellings.ts";
import { connect, startBackend, type Backend } from "./client-fixture.ts";
import { LeaderDatum, ORDERS, encoded } from "./fixture.ts";

const NODE = "d-1";

/** A subscriber that acknowledges when it is told to. */
function subscriber(backend: Backend, clientId: string, filter: Filter = NO_FILTER) {
  const client = connect(backend, clientId);
  client.say({ subscribes: [{ key: ORDERS, filter, held: undefined }] });
  const acknowledge = async () => {
    const pushes = (await client.heard()).flatMap((message) => message.pushes);
    client.say({ receipts: pushes.map((push) => ({ key: push.key, filter: push.filter, held: push, resync: false })) });
  };
  return { ...client, acknowledge };
}

async function started() {
  const backend = startBackend();
  const { clock, interests, leader } = backend;
  const tellings = new Tellings({ clock, copyOf: (key) => interests.find(key), wake: () => {} });
  leader.put(encoded("i-1", { metadata: { stage: "blue" } }), encoded("i-2", { metadata: { stage: "green" } }));
  /** What is answered now to the question whether everybody knows what the leader knows. */
  const ask = (): number[] => {
    tellings.ask(NODE, { key: ORDERS, held: leader.datum.held });
    return answered();
  };
  const answered = () => tellings.takeAnswers(NODE).map(({ subscribers }: ToldAnswer) => subscribers);
  return { ...backend, tellings, ask, answered };
}

describe("a leader that asks whether all have been told", () => {
  test("of a service that nobody follows here hears that they have", async () => {
    const { ask } = await started();
    expect(ask()).toEqual([0]);
  });

  test("hears how many have not acknowledged it, and once more when the last has", async () => {
    const backend = await started();
    const { leader, notify, ask, answered } = backend;
    const [first, second] = [subscriber(backend, "c-1"), subscriber(backend, "c-2")];
    await notify();
    for (const each of [first, second]) await each.acknowledge();
    expect(ask()).toEqual([0]);
    leader.remove("i-1");
    expect(ask()).toEqual([2]);
    await notify();
    expect(answered()).toEqual([]);
    await first.acknowledge();
    expect(answered()).toEqual([]);
    expect(ask()).toEqual([1]);
    await second.acknowledge();
    expect(answered()).toEqual([0]);
  });

  test("does not wait for one whose filter the change does not concern, nor for one that is gone", async () => {
    const backend = await started();
    const { leader, notify, ask, answered } = backend;
    const blue = subscriber(backend, "c-1", filterFromInput({ metadata: { stage: "blue" } }));
    const green = subscriber(backend, "c-2", filterFromInput({ metadata: { stage: "green" } }));
    await notify();
    for (const each of [blue, green]) await each.acknowledge();
    leader.remove("i-1");
    await notify();
    expect(ask()).toEqual([1]);
    blue.connection.close();
    expect(answered()).toEqual([0]);
  });

  test("does not take for told whom a newer change has overtaken before it acknowledged", async () => {
    const backend = await started();
    const { leader, notify, ask, answered } = backend;
    const only = subscriber(backend, "c-1");
    await notify();
    leader.remove("i-1");
    await notify();
    expect(ask()).toEqual([1]);
    // The receipt for the push before; the one that matters leaves only now.
    await only.acknowledge();
    expect(answered()).toEqual([]);
    await only.acknowledge();
    expect(answered()).toEqual([0]);
  });

  test("waits for a copy that is older, though nobody looks at it: somebody might", async () => {
    const backend = await started();
    const { leader, notify, ask, answered } = backend;
    const only = subscriber(backend, "c-1");
    await notify();
    only.connection.close();
    leader.remove("i-1");
    expect(ask()).toEqual([1]);
    await notify();
    expect(answered()).toEqual([0]);
  });

  test("is not told of a list that is the same again while news from in between may still come", async () => {
    const backend = await started();
    const { leader, notify, ask } = backend;
    const only = subscriber(backend, "c-1");
    leader.remove("i-1").remove("i-2");
    await notify();
    await only.acknowledge();
    leader.put(encoded("i-3"));
    const late = leader.datum.snapshot(NO_FILTER, true);
    leader.remove("i-3");
    expect(ask()).toEqual([0]);
    expect(backend.interests.find(ORDERS)!.apply(late)).toBe("older");
    expect(ask()).toEqual([0]);
  });

  test("is not kept from its answer by a service that changes all the time", async () => {
    const backend = await started();
    const { leader, notify, ask, answered } = backend;
    const only = subscriber(backend, "c-1");
    await notify();
    await only.acknowledge();
    leader.remove("i-1");
    await notify();
    expect(ask()).toEqual([1]);
    leader.put(encoded("i-3"));
    await notify();
    await only.acknowledge();
    expect(answered()).toEqual([0]);
  });

  test("asks again while it wants to know, and is forgotten when it does not", async () => {
    const backend = await started();
    const { clock, tellings, leader, notify, ask, answered } = backend;
    const only = subscriber(backend, "c-1");
    await notify();
    await only.acknowledge();
    leader.remove("i-1");
    await notify();
    expect(ask()).toEqual([1]);
    await clock.runFor(6_000);
    tellings.sweep(clock.now());
    await only.acknowledge();
    expect(answered()).toEqual([]);
    expect(ask()).toEqual([0]);
  });
});

test("a leader other than the one before asks for itself", async () => {
  const { tellings, leader } = await started();
  tellings.ask("d-2", { key: ORDERS, held: new LeaderDatum().put(encoded("i-9")).datum.held });
  tellings.ask(NODE, { key: ORDERS, held: leader.datum.held });
  expect([tellings.takeAnswers("d-2").length, tellings.takeAnswers(NODE).length]).toEqual([1, 1]);
});
