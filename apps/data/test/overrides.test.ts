import { instanceFromInput, sameDigest, type InstanceOverride, type OverrideEffect, type Update } from "@rollcall/core";
import { bytesFromInstance, instanceFromBytes } from "@rollcall/protocol";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { ORDERS, startStorage, type HandMadeSession } from "./storage-fixture.ts";
import { session as memberOf, US } from "./cluster-fixture.ts";

const S1 = memberOf("session-1");

const DISABLED: OverrideEffect = { kind: "disabled" };
const DRAINED: OverrideEffect = { kind: "drained" };
const weight = (share: number): OverrideEffect => ({ kind: "weight", weight: share });

const instance = (instanceId: string, effect: OverrideEffect, clientId?: string): InstanceOverride => ({
  kind: "instance override",
  target: { kind: "instance", key: ORDERS, instanceId },
  effect,
  clientId,
});

const at = (address: string, effect: OverrideEffect): InstanceOverride => ({
  kind: "instance override",
  target: { kind: "address", address },
  effect,
  clientId: undefined,
});

const encoded = (id: string, address = "10.0.0.1:80"): Uint8Array =>
  bytesFromInstance(instanceFromInput({ id, address, weight: 50 }, () => ""));

/** `id`, with a minus when it is disabled, and its weight when that is not what it was registered with. */
const inWords = (bytes: Uint8Array): string => {
  const { id, enabled, weight: share } = instanceFromBytes(bytes);
  return `${id}${enabled ? "" : "-"}${share === 50 ? "" : `*${share}`}`;
};

async function started() {
  const world = startStorage({ leader: US, sessions: [S1] });
  const session = world.link(S1);
  await session.ask({ reports: session.reports() });
  const shown = (): string[] =>
    [...world.storage.shownOf(ORDERS)!.datum.instances()].map(({ bytes }) => inWords(bytes)).toSorted();
  const register = (id: string, counter: number, change: { address?: string; clientId?: string } = {}) =>
    session.writes(
      session.write("register", id, counter, {
        instance: encoded(id, change.address),
        clientId: change.clientId ?? "client-1",
      }),
    );
  return { ...world, session, shown, register };
}

test("a disabled instance stays listed and wants no traffic; a drained one is not listed; a weight replaces the other", async () => {
  const { decide, register, shown } = await started();
  for (const id of ["a", "b", "c", "d"]) await register(id, 1);
  decide(instance("a", DISABLED), instance("b", DRAINED), instance("c", weight(0)));
  expect(shown()).toEqual(["a-", "c*0", "d"]);
  decide();
  expect(shown()).toEqual(["a", "b", "c", "d"]);
});

test("registering again changes nothing of what was decided, nor does unregistering and coming back", async () => {
  const { decide, session, register, shown } = await started();
  decide(instance("a", DISABLED), instance("b", DRAINED));
  await register("a", 1);
  await register("b", 1);
  expect(shown()).toEqual(["a-"]);
  await session.writes(session.write("unregister", "a", 2), session.write("unregister", "b", 2));
  expect(shown()).toEqual([]);
  await register("a", 3, { clientId: "client-2" });
  await register("b", 3, { clientId: "client-2" });
  expect(shown()).toEqual(["a-"]);
});

test("what is decided about the registration of one client ends with that client", async () => {
  const { decide, register, shown } = await started();
  await register("a", 1);
  await register("b", 1);
  decide(instance("a", DISABLED, "client-1"), instance("b", DRAINED, "client-1"));
  expect(shown()).toEqual(["a-"]);
  await register("a", 2, { clientId: "client-2" });
  await register("b", 2, { clientId: "client-2" });
  expect(shown()).toEqual(["a", "b"]);
});

test("a drained registration hides no other on the same instance", async () => {
  const { decide, register, shown } = await started();
  await register("a", 1, { clientId: "client-2" });
  await register("a", 5, { clientId: "client-1" });
  decide(instance("a", DRAINED, "client-1"));
  expect(shown()).toEqual(["a"]);
});

test("an address stands for all instances there, a host for all its ports, and all decisions count", async () => {
  const { decide, register, shown } = await started();
  await register("a", 1, { address: "10.0.0.1:80" });
  await register("b", 1, { address: "10.0.0.1:81" });
  await register("c", 1, { address: "10.0.0.2:80" });
  decide(at("10.0.0.1", weight(7)), at("10.0.0.1:81", DISABLED), instance("b", weight(9)));
  expect(shown()).toEqual(["a*7", "b-*9", "c"]);
  decide(at("10.0.0.1", DRAINED), instance("b", weight(9)));
  expect(shown()).toEqual(["c"]);
});

test("an instance that moves away from an address is no longer what was decided there", async () => {
  const { decide, register, shown } = await started();
  decide(at("10.0.0.1", DISABLED));
  await register("a", 1);
  expect(shown()).toEqual(["a-"]);
  await register("a", 2, { address: "10.0.0.2:80" });
  expect(shown()).toEqual(["a"]);
});

describe("sessions that are interested", () => {
  const confirmAll = async (session: HandMadeSession, updates: readonly Update[]) => session.confirm(updates);

  test("are told of a decision as of any change, and of nothing when nothing looks different", async () => {
    const { decide, session, register } = await started();
    await register("a", 1);
    await register("b", 1);
    await confirmAll(session, await session.follow());
    decide(instance("a", DISABLED));
    const [update] = session.notifications(await session.heard());
    expect(update!.baseDigest).toBeDefined();
    expect(update!.instances.map(({ bytes }) => inWords(bytes))).toEqual(["a-"]);
    await confirmAll(session, [update!]);
    decide(instance("a", DISABLED), at("10.9.9.9", DRAINED));
    expect(session.notifications(await session.heard())).toEqual([]);
  });

  test("hear nothing when a provider says again what is drained", async () => {
    const { decide, session, register } = await started();
    await register("a", 1);
    decide(instance("a", DRAINED));
    await confirmAll(session, await session.follow());
    const [outcome] = await register("a", 2);
    expect(outcome!.kind).toBe("applied");
    expect(session.notifications(await session.heard())).toEqual([]);
  });

  test("go on agreeing about what they hold", async () => {
    const { decide, session, register } = await started();
    await register("a", 1);
    await register("b", 1);
    decide(instance("a", DISABLED), instance("b", DRAINED));
    const { disagreed, reported } = await session.ask({ reports: session.reports() });
    expect(disagreed).toEqual([]);
    expect(reported.length).toBeGreaterThan(0);
  });
});

test("in whichever order words and decisions come, the same is shown, and two nodes agree on its digest", async () => {
  const ids = fc.constantFrom("a", "b", "c");
  const effects = fc.constantFrom(DISABLED, DRAINED, weight(3), weight(0));
  const clients = fc.constantFrom("client-1", "client-2");
  const decisions = fc.uniqueArray(
    fc.oneof(
      fc.record({ id: ids, effect: effects, client: fc.option(clients, { nil: undefined }) }),
      fc.record({ address: fc.constantFrom("10.0.0.1:80", "10.0.0.1", "10.0.0.2"), effect: effects }),
    ),
    { selector: (decision) => ("id" in decision ? decision.id : decision.address), maxLength: 4 },
  );
  const words = fc.array(
    fc.record({
      id: ids,
      clientId: clients,
      counter: fc.integer({ min: 1, max: 5 }),
      address: fc.constantFrom("10.0.0.1:80", "10.0.0.1:81", "10.0.0.2:80"),
    }),
    { maxLength: 8 },
  );
  const controls = (decided: readonly ({ id: string } | { address: string })[]): InstanceOverride[] =>
    (decided as { id?: string; address?: string; effect: OverrideEffect; client?: string }[]).map((each) =>
      each.id === undefined ? at(each.address!, each.effect) : instance(each.id, each.effect, each.client),
    );
  await fc.assert(
    fc.asyncProperty(words, decisions, decisions, fc.nat(), async (said, earlier, decided, when) => {
      // One counter is one word: what is said twice is said alike.
      const once = [...new Map(said.map((each) => [`${each.id} ${each.clientId} ${each.counter}`, each])).values()];
      const before = await started();
      before.decide(...controls(decided));
      for (const each of once) await before.register(each.id, each.counter, each);
      const between = await started();
      between.decide(...controls(earlier));
      for (const [index, each] of once.toReversed().entries()) {
        if (index === when % (once.length + 1)) between.decide(...controls(decided));
        await between.register(each.id, each.counter, each);
      }
      between.decide(...controls(decided));
      expect(between.shown()).toEqual(before.shown());
      const [one, other] = [before, between].map(({ storage }) => storage.shownOf(ORDERS)!.datum.digest);
      expect(sameDigest(one!, other!)).toBe(true);
    }),
    { numRuns: 60 },
  );
});
