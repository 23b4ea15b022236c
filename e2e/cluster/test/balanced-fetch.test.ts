// Calls spread over the instances of a service: real servers, a real registry, and the list that the client follows.

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { RegistryError, leastPending, roundRobin, zoneFirst, type InstanceInput } from "@rollcall/sdk";
import { createBalancedFetch } from "@rollcall/sdk/fetch";
import { expect, onTestFinished, test } from "vitest";

import { until } from "../src/until.ts";
import { startCluster } from "./fixture.ts";

const fixture = startCluster({ data: 1, sessions: 1 });

/** An HTTP server that answers with the id it is registered under, and what takes it out again. */
async function provider(service: string, id: string, input: Partial<InstanceInput> = {}) {
  const server = createServer((request, response) => {
    // A connection that was kept and is reset is not one that was never made.
    response.setHeader("connection", "close");
    request.resume().on("end", () => response.end(`${id} ${request.method} ${request.url}`));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => stop(server));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const registration = await fixture.client().register({ service, id, address, protocol: "http", ...input });
  return { server, registration };
}

function stop(server: Server): void {
  server.close();
  server.closeAllConnections();
}

function balancedFetch(service: string, options?: Parameters<typeof createBalancedFetch>[2]) {
  const balanced = createBalancedFetch(fixture.client(), service, options);
  onTestFinished(() => balanced.close());
  /** Who answers, for each of so many calls. */
  const answers = async (count: number): Promise<string[]> => {
    const ids: string[] = [];
    for (let call = 0; call < count; call++) ids.push((await (await balanced("/")).text()).split(" ")[0]!);
    return ids;
  };
  return { balanced, answers };
}

function countOf(ids: readonly string[], id: string): number {
  return ids.filter((each) => each === id).length;
}

const listed = (count: number, { balancer }: ReturnType<typeof createBalancedFetch>) =>
  until(() => balancer.subscription.current()?.instances.length === count, { what: `${count} are listed` });

test("calls are spread by weight; who is disabled or has no weight gets none", async () => {
  const a = await provider("spread", "a", { weight: 1 });
  await provider("spread", "b", { weight: 3 });
  await provider("spread", "off", { enabled: false });
  await provider("spread", "resting", { weight: 0 });
  const { answers, balanced } = balancedFetch("spread", { policy: roundRobin() });
  await listed(4, balanced);
  const ids = await answers(40);
  expect([countOf(ids, "a"), countOf(ids, "b")]).toEqual([10, 30]);

  await a.registration.update({ weight: 3 });
  await until(() => balanced.balancer.subscription.current()!.instances[0]!.weight === 3, { what: "the new weight" });
  const after = await answers(40);
  expect([countOf(after, "a"), countOf(after, "b")]).toEqual([20, 20]);
});

test("path, query, method and body arrive, whatever the input is", async () => {
  await provider("inputs", "a");
  const { balanced } = balancedFetch("inputs");
  const text = async (response: Promise<Response>) => (await response).text();
  expect(await text(balanced("/x?y=1", { method: "POST", body: "z" }))).toBe("a POST /x?y=1");
  expect(await text(balanced("http://inputs//x/y"))).toBe("a GET //x/y");
  expect(await text(balanced(new URL("http://inputs/z")))).toBe("a GET /z");
  const request = new Request("http://inputs/r", { method: "PUT", body: "z" });
  expect(await text(balanced(request))).toBe("a PUT /r");
});

test("an instance that was taken out gets no more calls, and the one that it is answering goes on", async () => {
  const { registration } = await provider("leaving", "a");
  await provider("leaving", "b");
  const { answers, balanced } = balancedFetch("leaving", { policy: leastPending });
  await listed(2, balanced);
  expect(new Set(await answers(30))).toEqual(new Set(["a", "b"]));
  await registration.unregister();
  await listed(1, balanced);
  expect(new Set(await answers(20))).toEqual(new Set(["b"]));
});

test("an instance that refuses connections costs a call nothing but a second attempt", async () => {
  const { server } = await provider("refusing", "a", { zone: "here" });
  await provider("refusing", "b");
  const { answers, balanced } = balancedFetch("refusing", { policy: zoneFirst("here") });
  await listed(2, balanced);
  expect(await answers(2)).toEqual(["a", "a"]);
  // It is still listed: its client lives.
  stop(server);
  expect(await answers(5)).toEqual(["b", "b", "b", "b", "b"]);
  const stream = new ReadableStream({ start: (controller) => controller.close() });
  await expect(balanced("/", { method: "POST", body: stream, duplex: "half" })).rejects.toThrow("fetch failed");
});

test("a provider that is killed is missed by nobody who asks again", async () => {
  await provider("killed", "stays");
  const { cluster } = fixture;
  const program = cluster.group.start({
    name: "killed",
    script: "e2e/cluster/src/programs/http-provider.ts",
    args: [cluster.sessions[0]!.address, "killed", "dies"],
  });
  await program.line(({ ready }) => ready === true, "its registration");
  const { answers, balanced } = balancedFetch("killed", { policy: roundRobin() });
  await listed(2, balanced);
  expect(new Set(await answers(2))).toEqual(new Set(["stays", "dies"]));
  await program.kill();
  // Listed or not, nobody needs to know.
  expect(new Set(await answers(10))).toEqual(new Set(["stays"]));
  await listed(1, balanced);
});

test("nobody there is an error that says so", async () => {
  const { balanced } = balancedFetch("nobody");
  await expect(balanced("/")).rejects.toThrow(RegistryError);
  await expect(balanced("/")).rejects.toThrow(
    "nobody of default/default/nobody is left to be called: 0 listed, 0 of them enabled, healthy and with a weight",
  );
});
