// Calls of Connect and of gRPC's own client, spread over the instances of a service: real servers, a real registry.

import { once } from "node:events";
import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";

import { createClient as createRpcClient, type ConnectRouter } from "@connectrpc/connect";
import { Http2SessionManager, connectNodeAdapter, createGrpcTransport } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import { RegistryService } from "@rollcall/protocol";
import { roundRobin, type InstanceInput } from "@rollcall/sdk";
import { createBalancedTransport } from "@rollcall/sdk/connect";
import { registerResolver } from "@rollcall/sdk/grpc-js";
import { expect, onTestFinished, test } from "vitest";

import { until } from "../src/until.ts";
import { startCluster } from "./fixture.ts";

const fixture = startCluster({ data: 1, sessions: 1 });

/** The service that is called is as good as any; it answers with the name of who answers. */
function answering(id: string): (router: ConnectRouter) => ConnectRouter {
  return (router) =>
    router.service(RegistryService, {
      listServices: () => ({ services: [{ key: { service: id } }] }),
      async *watch(_request, { signal }) {
        yield { pushes: [{ key: { service: id } }] };
        await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      },
    });
}

class Provider {
  readonly server: Http2Server;
  readonly sessions = new Set<ServerHttp2Session>();
  address = "";

  constructor(id: string) {
    this.server = createServer(connectNodeAdapter({ routes: answering(id) }));
    this.server.on("session", (session) => {
      this.sessions.add(session);
      session.once("close", () => this.sessions.delete(session));
    });
  }

  kill(): void {
    for (const session of this.sessions) session.destroy();
    this.server.close();
  }
}

async function provide(service: string, id: string, input: Partial<InstanceInput> = {}) {
  const provider = new Provider(id);
  provider.server.listen(0, "127.0.0.1");
  await once(provider.server, "listening");
  onTestFinished(() => provider.kill());
  provider.address = `127.0.0.1:${(provider.server.address() as AddressInfo).port}`;
  const registration = await fixture
    .client()
    .register({ service, id, address: provider.address, protocol: "grpc", ...input });
  return { provider, registration };
}

function countOf(ids: readonly string[], id: string): number {
  return ids.filter((each) => each === id).length;
}

async function times(count: number, call: () => Promise<string>): Promise<string[]> {
  const ids: string[] = [];
  for (let number = 0; number < count; number++) ids.push(await call());
  return ids;
}

function balancedCalls(service: string) {
  const closed: string[] = [];
  const transport = createBalancedTransport(fixture.client(), service, {
    policy: roundRobin(),
    transport(baseUrl, { id }) {
      const sessionManager = new Http2SessionManager(baseUrl);
      const close = (): void => {
        closed.push(id);
        sessionManager.abort();
      };
      return { ...createGrpcTransport({ baseUrl, sessionManager }), close };
    },
  });
  onTestFinished(() => transport.close());
  const rpc = createRpcClient(RegistryService, transport);
  const call = async (): Promise<string> => (await rpc.listServices({})).services[0]!.key!.service;
  const listed = (count: number) =>
    until(() => transport.balancer.subscription.current()?.instances.length === count, { what: `${count} are listed` });
  return { transport, rpc, call, listed, closed };
}

test("calls of Connect are spread by weight, and leave an instance that was taken out", async () => {
  const { provider, registration } = await provide("connect", "a", { weight: 1 });
  await provide("connect", "b", { weight: 3 });
  const { call, listed, closed } = balancedCalls("connect");
  await listed(2);
  const ids = await times(20, call);
  expect([countOf(ids, "a"), countOf(ids, "b")]).toEqual([5, 15]);
  await registration.unregister();
  await listed(1);
  expect(closed).toEqual(["a"]);
  await until(() => provider.sessions.size === 0, { what: "no connection to it is left" });
  expect(new Set(await times(10, call))).toEqual(new Set(["b"]));
});

test("a stream to an instance that is taken out goes on, and its transport is closed with it", async () => {
  const { registration } = await provide("streams", "a");
  const { rpc, listed, closed, transport } = balancedCalls("streams");
  const controller = new AbortController();
  const stream = rpc.watch({}, { signal: controller.signal })[Symbol.asyncIterator]();
  expect((await stream.next()).value).toMatchObject({ pushes: [{ key: { service: "a" } }] });
  await registration.unregister();
  await listed(0);
  expect(closed).toEqual([]);
  controller.abort();
  await expect(stream.next()).rejects.toThrow("aborted");
  expect(closed).toEqual(["a"]);
  await expect(transport.balancer.acquire()).rejects.toMatchObject({ reason: "unavailable" });
});

test("an instance that is killed costs the call that it had, and no other", async () => {
  const { provider } = await provide("killed", "a");
  await provide("killed", "b");
  const { call, rpc, listed } = balancedCalls("killed");
  await listed(2);
  // One stream to each.
  const controller = new AbortController();
  const watch = async () => {
    const stream = rpc.watch({}, { signal: controller.signal })[Symbol.asyncIterator]();
    const first = await stream.next();
    return { stream, id: first.done === true ? "" : first.value.pushes[0]!.key!.service };
  };
  const streams = [await watch(), await watch()];
  expect(new Set(streams.map(({ id }) => id))).toEqual(new Set(["a", "b"]));
  provider.kill();
  await expect(streams.find(({ id }) => id === "a")!.stream.next()).rejects.toThrow("[");
  // It is still listed, for its client lives: every call that comes to it goes on to the other.
  expect(new Set(await times(6, call))).toEqual(new Set(["b"]));
  controller.abort();
});

test("clients of grpc-js follow a service by its name", async () => {
  const { registration } = await provide("shop-orders", "a");
  await provide("shop-orders", "b");
  await provide("shop-orders", "resting", { weight: 0 });
  registerResolver(fixture.client());
  const client = new grpc.Client("rollcall:///shop-orders", grpc.credentials.createInsecure());
  onTestFinished(() => client.close());
  const { listServices } = RegistryService.method;
  const path = `/${RegistryService.typeName}/${listServices.name}`;
  const call = () =>
    new Promise<string>((resolve, reject) => {
      const none = Buffer.alloc(0);
      const id = (bytes: Buffer): string => bytes.toString("latin1").replaceAll(/[^a-z]/g, "");
      const deadline = Date.now() + 10_000;
      client.makeUnaryRequest(
        path,
        () => none,
        id,
        none,
        { deadline },
        (error, answer) => {
          if (error === null) resolve(answer!);
          else reject(error);
        },
      );
    });
  const answers = new Set<string>();
  await until(async () => answers.add(await call()).size === 2, { what: "both are called" });
  const ids = await times(20, call);
  expect([countOf(ids, "a"), countOf(ids, "b")]).toEqual([10, 10]);

  await registration.unregister();
  await until(async () => new Set(await times(4, call)).size === 1, { what: "the channel knows" });
  expect(new Set(await times(10, call))).toEqual(new Set(["b"]));
  const named = new grpc.Client("rollcall:///default/default/nobody-there", grpc.credentials.createInsecure());
  onTestFinished(() => named.close());
  const failed = new Promise((resolve) => {
    const none = Buffer.alloc(0);
    named.makeUnaryRequest(
      path,
      () => none,
      () => "",
      none,
      { deadline: Date.now() + 10_000 },
      resolve,
    );
  });
  expect(await failed).toMatchObject({
    code: grpc.status.UNAVAILABLE,
    details: expect.stringContaining("nobody of nobody-there may be called, 0 listed") as unknown,
  });
});
