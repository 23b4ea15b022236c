// What nodes remember of a service, asked for with nothing but JSON.

import { expect, test } from "vitest";

import { until } from "../src/until.ts";
import { startCluster } from "./fixture.ts";

const fixture = startCluster({ data: 2, sessions: 1, dataArgs: ["--registration-lease-ms", "2000"] });

interface Answer {
  readonly status: number;
  readonly body: {
    readonly nodeId?: string;
    readonly message?: string;
    readonly events?: readonly {
      readonly kind: string;
      readonly instanceId?: string;
      readonly who?: readonly string[];
      readonly why?: string;
    }[];
  };
}

async function events(address: string, request: object): Promise<Answer> {
  const response = await fetch(`http://${address}/rollcall.v1.IntrospectionService/GetEvents`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  return { status: response.status, body: (await response.json()) as Answer["body"] };
}

test("the leader says why an instance is gone, and the session to whom that was told", async () => {
  const { cluster } = fixture;
  // A leader that took the slot over in between would know only of the end.
  await cluster.settled();
  const session = cluster.sessions[0]!;
  const subscription = fixture.client().subscribe("leased");
  await subscription.ready;
  const leased = await fetch(`http://${session.address}/rollcall.v1.RegistryService/Register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ key: { service: "leased" }, instance: { id: "i", address: "10.0.0.1:80" }, leaseMs: 1000 }),
  });
  expect(leased.ok).toBe(true);
  await until(() => subscription.current()?.instances.length === 1, { what: "the instance" });
  await until(() => subscription.current()?.instances.length === 0, { what: "its end" });
  const leader = await cluster.leaderOf("leased");
  const { body } = await events(leader.address, { key: { service: "leased" } });
  expect(body.nodeId).toBe(leader.nodeId);
  expect(body.events?.filter(({ instanceId }) => instanceId === "i")).toMatchObject([
    { kind: "SERVICE_EVENT_KIND_REGISTERED", who: ["a call"] },
    { kind: "SERVICE_EVENT_KIND_ENDED", why: "its lease has ended" },
  ]);
  const told = await until(
    async () => {
      const { body } = await events(session.address, { key: { service: "leased" } });
      const receipts = body.events?.filter(({ kind }) => kind === "SERVICE_EVENT_KIND_CONFIRMED");
      return receipts?.length === 3 && body.events;
    },
    { what: "the receipts of the first list, of the instance and of its end" },
  );
  expect(told.filter(({ kind }) => kind === "SERVICE_EVENT_KIND_PUSHED")).toHaveLength(3);
});

test.each([
  ["no service", {}, 400, "service"],
  ["a name that is none", { key: { service: "a b" } }, 400, "service"],
  ["more than is remembered", { key: { service: "orders" }, limit: 65 }, 429, "limit may be at most 64, got 65"],
])("who asks for %s is told what is wrong, by each role", async (_what, request, status, message) => {
  const { cluster } = fixture;
  for (const { address } of [...cluster.sessions, ...cluster.data]) {
    const answer = await events(address, request);
    expect(answer.status).toBe(status);
    expect(answer.body.message).toContain(message);
  }
});

test("a service that nobody has heard of has no story", async () => {
  const { body } = await events(fixture.cluster.sessions[0]!.address, { key: { service: "unheard-of" } });
  expect(body.events ?? []).toEqual([]);
});
