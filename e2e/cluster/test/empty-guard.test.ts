// Nobody is taken out because the registry is sick, and whoever is gone in truth is gone soon: R14 and R15 of the contract.
// A list that is empty says whether that is certain, whichever way it is asked for.

import { createClient as createRpcClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { RegistryService } from "@rollcall/protocol";
import { describe, expect, onTestFinished, test } from "vitest";

import { Leaseholders } from "../src/leaseholders.ts";
import { RecordedViews } from "../src/recorded-views.ts";
import { until } from "../src/until.ts";
import { tell } from "./fault-fixture.ts";
import { startCluster } from "./fixture.ts";

// One data node, so that it has all leases.
const fixture = startCluster({ data: 1, sessions: 2 });

const LEASE_MS = 3_000;

/** Renewals on a machine with too much to do are late, and these few are to be seen through. */
const SMALL_LEASE_MS = 1_000;

const idsOf = (count: number, prefix: string): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${String(index).padStart(3, "0")}`);

function holders(service: string, leaseMs = LEASE_MS): Leaseholders {
  const made = new Leaseholders(fixture.cluster.sessions[0]!.address, service, leaseMs);
  onTestFinished(() => made.stop());
  return made;
}

/** What the data node measures of itself. */
async function measured(metric: string): Promise<number> {
  const text = await (await fetch(`http://${fixture.cluster.data[0]!.address}/metrics`)).text();
  return Number(
    text
      .split("\n")
      .find((line) => line.startsWith(`${metric} `))!
      .split(" ")[1],
  );
}

const rpc = (json = false) =>
  createRpcClient(
    RegistryService,
    createConnectTransport({
      baseUrl: `http://${fixture.cluster.sessions[1]!.address}`,
      httpVersion: "1.1",
      useBinaryFormat: !json,
    }),
  );

describe("leases of which many lapse at once", () => {
  test("stay listed while renewals do not arrive, and are gone within a minute when nobody renews them any more", async () => {
    const service = "guard-many";
    const [lost, others] = [idsOf(30, "lost"), idsOf(70, "other")];
    const all = holders(service);
    await all.register([...lost, ...others]);
    const views = new RecordedViews(fixture.client(), service);
    await views.untilIds([...lost, ...others]);
    const shown = views.shown.length;

    all.lose(lost);
    await until(async () => (await measured("rollcall_data_leases_held")) === lost.length, {
      what: "the guard holds what has lapsed",
    });
    expect(await measured("rollcall_data_guard_total")).toBe(1);
    all.regain(lost);
    await until(async () => (await measured("rollcall_data_leases_held")) === 0, { what: "all are renewed again" });
    expect([views.shown.length, all.refused]).toEqual([shown, []]);

    all.lose(lost);
    const from = performance.now();
    await all.unregister(others[0]!);
    await views.untilIds([...lost, ...others.slice(1)]);
    await views.untilIds(others.slice(1), 70_000);
    tell(`30 of 100 leases lapse for good: they are gone after ${(performance.now() - from).toFixed(0)} ms`);
    expect(Math.min(...views.idsShown.slice(shown).map(({ length }) => length))).toBe(others.length - 1);
    await until(async () => (await measured("rollcall_data_leases_held")) === 0, { what: "the guard has gone" });
  }, 120_000);
});

describe("a service that scales to zero", () => {
  test("by unregistering its last instance is empty and confirmed at once", async () => {
    const service = "zero-unregister";
    const last = await fixture.client().register({ service, address: "10.0.0.1:80" });
    const views = new RecordedViews(fixture.client(), service);
    await views.untilIds([last.id]);
    const from = performance.now();
    await last.unregister();
    await views.untilIds([]);
    tell(`the last instance is unregistered: empty after ${(performance.now() - from).toFixed(0)} ms`);
    expect(views.last?.confirmed).toBe(true);
  });

  test("by its last leases is empty and confirmed as soon as they have lapsed", async () => {
    const service = "zero-lease";
    const ids = idsOf(8, "i");
    const all = holders(service, SMALL_LEASE_MS);
    await all.register(ids);
    const views = new RecordedViews(fixture.client(), service);
    await views.untilIds(ids);
    const from = performance.now();
    all.lose(ids);
    await views.untilIds([]);
    tell(`8 leases of ${SMALL_LEASE_MS} ms end: empty after ${(performance.now() - from).toFixed(0)} ms`);
    expect(views.last?.confirmed).toBe(true);
    expect(await measured("rollcall_data_leases_held")).toBe(0);
  });
});

describe("an empty list is confirmed", () => {
  const FILTER = { protocol: "grpc" };

  test("of a service that nobody has ever registered, however it is asked for", async () => {
    const key = { service: "nobody" };
    for (const json of [false, true])
      expect(await rpc(json).resolve({ key })).toMatchObject({ instances: [], confirmed: true });
    const [first] = await firstOf(rpc().watch({ key }));
    expect(first).toMatchObject({ instances: [], confirmed: true });
    expect(await fixture.client().subscribe(key.service).ready).toMatchObject({ instances: [], confirmed: true });
  });

  test("through a filter that takes none of the instances there are", async () => {
    const key = { service: "filtered-out" };
    await fixture.client().register({ ...key, address: "10.0.0.1:80", protocol: "http" });
    for (const json of [false, true])
      expect(await rpc(json).resolve({ key, filter: FILTER })).toMatchObject({ instances: [], confirmed: true });
    const [first] = await firstOf(rpc().watch({ key, filter: FILTER }));
    expect(first).toMatchObject({ instances: [], confirmed: true });
    const { instances, confirmed } = await fixture.client().subscribe(key.service, FILTER).ready;
    expect([instances, confirmed]).toEqual([[], true]);
  });

  test("to a watch, when the last instance goes", async () => {
    const key = { service: "watched-to-zero" };
    const registration = await fixture.client().register({ ...key, address: "10.0.0.1:80" });
    const seen: [number, boolean][] = [];
    for await (const { pushes } of rpc().watch({ key })) {
      for (const { instances, confirmed } of pushes) seen.push([instances.length, confirmed]);
      if (seen.length === 1) void registration.unregister();
      else break;
    }
    expect(seen).toEqual([
      [1, true],
      [0, true],
    ]);
  });
});

async function firstOf<Item>(messages: AsyncIterable<{ readonly pushes: readonly Item[] }>): Promise<readonly Item[]> {
  for await (const { pushes } of messages) return pushes;
  return [];
}
