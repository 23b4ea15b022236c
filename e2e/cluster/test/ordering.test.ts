// Order over the wire, by clients that say what no SDK would: late, twice, and nothing at all. Their numbers are those of
// docs/behaviours.md.

import {
  NO_FILTER,
  compareVersions,
  instanceFromInput,
  serviceKey,
  type RegisterItem,
  type RegistrationVersion,
} from "@rollcall/core";
import { bytesFromInstance } from "@rollcall/protocol";
import { expect, onTestFinished, test } from "vitest";

import { RecordedViews } from "../src/recorded-views.ts";
import { until } from "../src/until.ts";
import { WireClient } from "../src/wire-client.ts";
import { startCluster } from "./fixture.ts";

const fixture = startCluster({ data: 2, sessions: 2 });

/** A client of a session, that has said hello. */
function wireClient(clientId: string, session = 0): WireClient {
  const client = new WireClient(fixture.cluster.sessions[session]!.address);
  onTestFinished(() => client.close());
  return client.hello(clientId);
}

const version = (incarnation: number, counter: number): RegistrationVersion => ({ incarnation, counter });

/** A registration of instance `a` whose weight tells which one it is. */
function register(service: string, sequence: number, at: RegistrationVersion, weight: number): RegisterItem {
  const instance = instanceFromInput({ id: "a", address: "10.0.0.1:80", weight }, () => "a");
  return {
    sequence,
    key: serviceKey({ service }),
    version: at,
    instanceId: "a",
    instance: bytesFromInstance(instance),
  };
}

async function result(client: WireClient, sequence: number) {
  const found = await until(() => client.results.find((result) => result.sequence === sequence), {
    what: `the result of ${sequence}`,
  });
  return found.outcome;
}

const weightsOf = (views: RecordedViews): (number | undefined)[] =>
  views.shown.map(({ view }) => view.instances[0]?.weight);

test("16: a subscriber that confirms nothing is sent little, delays nobody, and is up to date once it does", async () => {
  const silent = wireClient("silent").say({
    subscribes: [{ key: serviceKey({ service: "s16" }), filter: NO_FILTER, held: undefined }],
  });
  await until(() => silent.pushes.length > 0, { what: "the first push" });
  const views = new RecordedViews(fixture.client(), "s16");
  const registration = await fixture.client().register({ service: "s16", id: "a", address: "10.0.0.1:80" });
  const rounds = 300;
  for (let weight = 1; weight <= rounds; weight++) await registration.update({ weight });
  await views.view(({ instances }) => instances[0]?.weight === rounds);
  expect(silent.pushes.length).toBeLessThan(rounds / 10);
  const { key, filter, ...held } = silent.pushes.at(-1)!;
  silent.say({ receipts: [{ key, filter, held, resync: false }] });
  const newest = views.last!.version;
  await until(() => compareVersions(silent.pushes.at(-1)!.version, newest) === 0, { what: "the newest content" });
});

test("18: an older version that arrives late is ignored, of a registration and of its removal", async () => {
  const client = wireClient("late");
  const views = new RecordedViews(fixture.client(), "s18");
  client.say({ registers: [register("s18", 1, version(1, 5), 5)] });
  await views.view(({ instances }) => instances[0]?.weight === 5);
  client.say({ registers: [register("s18", 2, version(1, 4), 4)] });
  await result(client, 2);
  client.say({
    unregisters: [{ sequence: 3, key: serviceKey({ service: "s18" }), version: version(1, 3), instanceId: "a" }],
  });
  await result(client, 3);
  client.say({ registers: [register("s18", 4, version(1, 6), 6)] });
  await views.view(({ instances }) => instances[0]?.weight === 6);
  expect(weightsOf(views).filter(Boolean)).toEqual([5, 6]);
});

test("19: a removal holds against a late duplicate of what it removed, also through another session", async () => {
  const [client, elsewhere] = [wireClient("removed"), wireClient("removed", 1)];
  const views = new RecordedViews(fixture.client(), "s19");
  const duplicate = register("s19", 1, version(1, 1), 1);
  client.say({ registers: [duplicate] });
  await views.untilIds(["a"]);
  client.say({ unregisters: [{ ...duplicate, sequence: 2, version: version(1, 2) }] });
  await views.untilIds([]);
  client.say({ registers: [{ ...duplicate, sequence: 3 }] });
  elsewhere.say({ registers: [{ ...duplicate, sequence: 4 }] });
  await Promise.all([result(client, 3), result(elsewhere, 4)]);
  client.say({ registers: [register("s19", 5, version(1, 3), 3)] });
  await views.view(({ instances }) => instances[0]?.weight === 3);
  expect(weightsOf(views).filter(Boolean)).toEqual([1, 3]);
});

test("20: the same registration delivered twice changes nothing, not even the version", async () => {
  const client = wireClient("twice");
  const views = new RecordedViews(fixture.client(), "s20");
  client.say({ registers: [register("s20", 1, version(1, 1), 1)] });
  const first = await result(client, 1);
  await views.untilIds(["a"]);
  client.say({ registers: [register("s20", 2, version(1, 1), 1)] });
  expect(await result(client, 2)).toEqual(first);
  client.say({ registers: [register("s20", 3, version(1, 2), 2)] });
  await views.view(({ instances }) => instances[0]?.weight === 2);
  expect(weightsOf(views).filter(Boolean)).toEqual([1, 2]);
});
