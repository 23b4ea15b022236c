/** What a namespace may have, and what that refuses. */

import { epoch, type Quota } from "@rollcall/core";
import { describe, expect, test } from "vitest";
import { session as memberOf, US } from "./cluster-fixture.ts";
import { ORDERS, startStorage } from "./storage-fixture.ts";

const S1 = memberOf("session-1");

const quota = (limits: Partial<Pick<Quota, "instances" | "services">>, namespace = ORDERS.namespace): Quota => ({
  kind: "quota",
  namespace,
  instances: undefined,
  services: undefined,
  ...limits,
});

async function started() {
  const world = startStorage({ leader: US, sessions: [S1] });
  const session = world.link(S1);
  await session.ask({ reports: session.reports() });
  const write = async (kind: "register" | "unregister", id: string, counter: number, clientId = "client-1") => {
    const outcome = (await session.writes(session.write(kind, id, counter, { clientId })))[0]!;
    return outcome.kind === "denied" ? outcome.error.message : outcome.kind;
  };
  return { ...world, session, write };
}

describe("with as many instances as a namespace may have", () => {
  test("a new one is refused with the limit and the number, and nothing else is", async () => {
    const { quotas, write, shown } = await started();
    quotas.adopt([quota({ instances: 2 })]);
    expect(await write("register", "a", 1)).toBe("applied");
    expect(await write("register", "b", 1)).toBe("applied");
    const refused = "instances of namespace default may be at most 2, got 3";
    expect(await write("register", "c", 1)).toBe(refused);
    expect(shown()).toEqual(["a", "b"]);
    expect(await write("register", "a", 2)).toBe("applied");
    // The same instance, of a process that was started again.
    expect(await write("register", "b", 1, "client-2")).toBe("applied");
    expect(await write("unregister", "a", 3)).toBe("applied");
    expect(await write("register", "c", 2)).toBe("applied");
    expect(await write("register", "a", 4)).toBe(refused);
    expect(quotas.refused).toBe(2);
  });

  test("what was there before the quota stays, and the quota of another namespace says nothing", async () => {
    const { quotas, write, shown } = await started();
    for (const id of ["a", "b", "c"]) await write("register", id, 1);
    quotas.adopt([quota({ instances: 1 }), quota({ instances: 0 }, "other")]);
    expect(await write("register", "d", 1)).toBe("instances of namespace default may be at most 1, got 4");
    expect(await write("register", "c", 2)).toBe("applied");
    expect(shown()).toEqual(["a", "b", "c"]);
    quotas.adopt([]);
    expect(await write("register", "d", 2)).toBe("applied");
  });

  test("what other leaders have counts, unless it was counted by another slot table", async () => {
    const { quotas, storage, write } = await started();
    quotas.adopt([quota({ instances: 3 })]);
    const { tableEpoch } = storage.ownership;
    quotas.told({ tableEpoch, namespaces: [{ namespace: "default", instances: 2, services: 1 }] });
    expect(await write("register", "a", 1)).toBe("applied");
    expect(await write("register", "b", 1)).toBe("instances of namespace default may be at most 3, got 4");
    expect(quotas.report()).toEqual({ tableEpoch, namespaces: [{ namespace: "default", instances: 1, services: 1 }] });
    quotas.told({
      tableEpoch: epoch(tableEpoch + 1),
      namespaces: [{ namespace: "default", instances: 2, services: 1 }],
    });
    expect(await write("register", "b", 2)).toBe("applied");
  });
});

test("a service is one when it has its first instance, and none when it has lost the last", async () => {
  const { quotas, write } = await started();
  quotas.adopt([quota({ services: 0 })]);
  expect(await write("register", "a", 1)).toBe("services of namespace default may be at most 0, got 1");
  quotas.adopt([quota({ services: 1 })]);
  expect(await write("register", "a", 2)).toBe("applied");
  expect(await write("register", "b", 1)).toBe("applied");
  expect(quotas.report()?.namespaces).toEqual([{ namespace: "default", instances: 2, services: 1 }]);
  await write("unregister", "a", 3);
  await write("unregister", "b", 2);
  expect(quotas.report()?.namespaces).toEqual([]);
});

test("a leader that takes a slot over refuses nothing: what comes to it was there before", async () => {
  const world = startStorage({ leader: US, sessions: [S1] });
  const session = world.link(S1);
  world.quotas.adopt([quota({ instances: 0 })]);
  expect(world.kind()).toBe("taking over");
  expect(await session.writes(session.write("register", "a", 1))).toMatchObject([{ kind: "applied" }]);
});
