import { RegistryError } from "@rollcall/core";
import { describe, expect, test } from "vitest";

import { outcomeOf, world } from "./fake-session.ts";

const orders = { service: "orders", address: "10.0.0.1:8080", id: "a" } as const;
const NOBODY = { subscribers: 0, sessions: 0 };

/** A client with a registration, and the barriers its server has heard of. */
async function registered(options: Parameters<typeof world>[0] = {}) {
  const { client, session, run } = world(options);
  const own = client();
  const registration = own.register(orders);
  await run();
  const barriers = () => session.heard.flatMap((message) => message.barriers);
  return { own, registration, session, run, barriers };
}

describe("draining", () => {
  test("ends the registration, asks who knows, and is done when nobody is behind", async () => {
    const { registration, session, run, barriers } = await registered();
    const outcome = outcomeOf(registration.drain());
    await run();
    expect(session.heard.flatMap(({ unregisters }) => unregisters)).toHaveLength(1);
    expect(barriers()).toMatchObject([{ key: { service: "orders" }, version: { counter: 2 } }]);
    const { sequence } = barriers()[0]!;
    session.say({ barriers: [{ sequence, subscribers: 2, sessions: 1 }] });
    await run(2_000);
    expect(outcome.settled).toBe(false);
    session.say({ barriers: [{ sequence, ...NOBODY }] });
    await run();
    expect(outcome.settled).toBe(true);
    expect(outcome.error).toBeUndefined();
  });

  test("says who is behind when its time is over, and the registration is ended all the same", async () => {
    const { registration, session, run, barriers } = await registered();
    const outcome = outcomeOf(registration.drain({ timeoutMs: 1_000 }));
    await run();
    session.say({ barriers: [{ sequence: barriers()[0]!.sequence, subscribers: 3, sessions: 1 }] });
    await run(1_000);
    expect(outcome.error).toMatchObject({
      reason: "deadline_exceeded",
      message: "3 subscribers and 1 session node have not said that they know within 1000 ms",
    });
    session.take();
    session.close();
    await run(1_000);
    expect(session.take()).toEqual([["hello c 2"]]);
  });

  test("says so when not even the end of the registration has been answered", async () => {
    const { registration, session, run } = await registered();
    session.applies = false;
    const outcome = outcomeOf(registration.drain({ timeoutMs: 500 }));
    await run(500);
    expect(outcome.error).toMatchObject({
      reason: "deadline_exceeded",
      message: "a has not been taken out within 500 ms",
    });
  });

  test("asks again what is not answered", async () => {
    const { registration, run, barriers } = await registered();
    void registration.drain();
    await run(4_000);
    const [first, second] = barriers();
    expect(second).toEqual(first);
  });

  test("begins anew with the end itself on another connection, and takes no answer from the one before", async () => {
    const { registration, session, run, barriers } = await registered();
    const outcome = outcomeOf(registration.drain());
    await run();
    const [before] = barriers();
    session.close(new RegistryError("unavailable", "gone"));
    await run(1_000);
    expect(session.heard.flatMap(({ unregisters }) => unregisters).map(({ version }) => version.incarnation)).toEqual([
      1, 2,
    ]);
    const after = barriers().at(-1)!;
    expect(after.version.counter).toBeGreaterThan(before!.version.counter);
    session.say({ barriers: [{ sequence: before!.sequence, ...NOBODY }] });
    await run();
    expect(outcome.settled).toBe(false);
    session.say({ barriers: [{ sequence: after.sequence, ...NOBODY }] });
    await run();
    expect(outcome.settled).toBe(true);
  });

  test("several instances of a service ask one question, about the newest of them", async () => {
    const { own, session, run, barriers } = await registered();
    own.register({ ...orders, id: "b" });
    await run();
    const outcome = outcomeOf(own.drain());
    await run();
    const last = barriers().at(-1)!;
    expect(last.version.counter).toBe(4);
    session.say({ barriers: [{ sequence: last.sequence, ...NOBODY }] });
    await run();
    expect(outcome.settled).toBe(true);
  });

  test("one who gives up takes nothing from another who waits for the same", async () => {
    const { registration, session, run, barriers } = await registered();
    const impatient = outcomeOf(registration.drain({ timeoutMs: 100 }));
    const patient = outcomeOf(registration.drain());
    await run(200);
    expect([impatient.error, patient.settled]).toMatchObject([{ reason: "deadline_exceeded" }, false]);
    session.say({ barriers: [{ sequence: barriers()[0]!.sequence, ...NOBODY }] });
    await run();
    expect([patient.settled, patient.error]).toEqual([true, undefined]);
  });

  test("of what was never said to anybody is done at once", async () => {
    const { client, session, run } = world({ greets: false });
    const own = client();
    const registration = own.register(orders);
    const outcome = outcomeOf(registration.drain());
    await run();
    expect(outcome.settled).toBe(true);
    expect(session.heard.flatMap(({ registers }) => registers)).toEqual([]);
  });

  test("ends with the reason of its signal, and with the client", async () => {
    const { own, registration, run } = await registered();
    const abort = new AbortController();
    const given = outcomeOf(registration.drain({ signal: abort.signal }));
    const closed = outcomeOf(registration.drain());
    await run();
    abort.abort(new Error("enough"));
    await run();
    expect(given.error).toMatchObject({ message: "enough" });
    void own.close();
    await run(3_000);
    expect(closed.error).toMatchObject({ reason: "closed" });
  });
});
