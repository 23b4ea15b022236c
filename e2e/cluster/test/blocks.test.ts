// An operator blocks a service or a namespace: 31 of docs/behaviours.md, on a whole cluster.

import { createClient as createRpcClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { serviceKey, type Control } from "@rollcall/core";
import { RegistryService } from "@rollcall/protocol";
import { expect, test } from "vitest";

import { decide, takeBack } from "../src/decisions.ts";
import { RecordedViews } from "../src/recorded-views.ts";
import { startCluster } from "./fixture.ts";

const fixture = startCluster({ data: 2, sessions: 2 });

const resolve = async (service: { namespace?: string; service: string }) => {
  const { address } = fixture.cluster.sessions[0]!;
  const rpc = createRpcClient(
    RegistryService,
    createConnectTransport({ baseUrl: `http://${address}`, httpVersion: "1.1" }),
  );
  const { instances, confirmed } = await rpc.resolve({ key: service });
  return { ids: instances.map(({ id }) => id), confirmed };
};

const BLOCKS: readonly { what: string; key: { namespace?: string; service: string }; block: Control }[] = [
  { what: "service", key: { service: "s31" }, block: { kind: "service block", key: serviceKey({ service: "s31" }) } },
  {
    what: "namespace",
    key: { namespace: "shop", service: "s31" },
    block: { kind: "namespace block", namespace: "shop" },
  },
];

test.each([...BLOCKS])("31: what is blocked is a confirmed empty list until it ends", async ({ key, block }) => {
  const { cluster } = fixture;
  const [first, second] = cluster.sessions.map(({ address }) => address) as [string, string];
  const provider = fixture.client({ servers: [first] });
  const beside = new RecordedViews(fixture.client(), "beside");
  await provider.register({ service: "beside", id: "z", address: "10.0.0.9:80" });
  const gone = await provider.register({ ...key, id: "gone", address: "10.0.0.1:80" });
  await provider.register({ ...key, id: "a", address: "10.0.0.2:80" });
  const views = new RecordedViews(fixture.client({ servers: [second] }), key);
  await views.untilIds(["a", "gone"]);
  await decide(cluster, block);
  await views.untilIds([]);
  expect(views.last?.confirmed).toBe(true);
  await provider.register({ ...key, id: "b", address: "10.0.0.3:80" });
  await gone.unregister();
  // Whoever leads the slot next has heard of it, too.
  const dying = cluster.data[0]!;
  await cluster.kill(dying);
  const late = new RecordedViews(fixture.client(), key);
  await late.untilIds([]);
  expect(await resolve(key)).toEqual({ ids: [], confirmed: true });
  expect(views.idsShown.slice(views.idsShown.findIndex((ids) => ids.length === 0)).flat()).toEqual([]);
  await takeBack(cluster, block);
  await Promise.all([views, late].map((each) => each.untilIds(["a", "b"])));
  await beside.untilIds(["z"]);
  await cluster.restart(dying);
  await cluster.ready();
});
