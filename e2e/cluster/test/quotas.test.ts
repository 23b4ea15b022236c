// A namespace with a quota, on a whole cluster: what is above it is refused, and nothing else is.

import { RegistryError, type Quota } from "@rollcall/core";
import type { Client, Registration } from "@rollcall/sdk";
import { expect, test } from "vitest";

import { decide, takeBack } from "../src/decisions.ts";
import { RecordedViews } from "../src/recorded-views.ts";
import { until } from "../src/until.ts";
import { startCluster } from "./fixture.ts";

const fixture = startCluster({ data: 1, sessions: 2 });

const NAMESPACE = "tenant";
const QUOTA: Quota = { kind: "quota", namespace: NAMESPACE, instances: 4, services: 3 };

const register = (client: Client, service: string, id: string): Promise<Registration> =>
  Promise.resolve(client.register({ namespace: NAMESPACE, service, id, address: "10.0.0.1:80" }));

const refusalOf = (registering: Promise<unknown>): Promise<unknown> =>
  registering.then(
    () => "none",
    (thrown: unknown) => {
      const { reason, subject } = RegistryError.fromUnknown(thrown);
      return { reason, limit: subject?.limit, value: subject?.value };
    },
  );

test("what is above the quota is refused with the limit, and who was there before stays through every loss", async () => {
  const { cluster } = fixture;
  const client = fixture.client();
  await decide(cluster, QUOTA);
  const [a] = await Promise.all([
    register(client, "one", "a"),
    register(client, "one", "b"),
    register(client, "two", "a"),
  ]);
  await register(client, "three", "a");
  const full = { reason: "limit_exceeded", limit: "4", value: "5" };
  expect(await refusalOf(register(client, "one", "c"))).toEqual(full);
  await client.register({ service: "beside", id: "a", address: "10.0.0.1:80" });
  await a.update({ address: "10.0.0.2:80" });
  await a.unregister();
  expect(await refusalOf(register(client, "four", "a"))).toEqual({ ...full, limit: "3", value: "4" });
  await register(client, "one", "c");

  const views = new RecordedViews(fixture.client(), { namespace: NAMESPACE, service: "one" });
  await views.untilIds(["b", "c"]);
  const session = cluster.sessions[0]!;
  await cluster.kill(session);
  await cluster.restart(session);
  await cluster.addNode("data");
  await cluster.ready();
  await cluster.settled();
  // Two leaders have what one had, and hear of each other.
  await until(
    async () => {
      const refusal = await refusalOf(register(client, "one", "d").then((registration) => registration.unregister()));
      return JSON.stringify(refusal) === JSON.stringify(full);
    },
    { what: "there is no room again" },
  );
  expect(views.idsShown.every((ids) => ids.includes("b") && ids.includes("c"))).toBe(true);
  await takeBack(cluster, QUOTA);
  await register(client, "five", "a");
});
