import { createServer, type Server as HttpServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { createServer as createTcpServer, type AddressInfo, type Server } from "node:net";

import { connectNodeAdapter } from "@connectrpc/connect-node";
import { probeFromInput, type ProbeInput } from "@rollcall/core";
import { Health, HealthCheckResponse_ServingStatus as Status } from "@rollcall/protocol";
import { afterEach, describe, expect, test } from "vitest";

import { NetworkProber } from "../src/peers/network-prober.ts";
import { AddressRanges } from "../src/probes/address-ranges.ts";
import type { ProbeOutcome } from "../src/probes/prober.ts";

const servers: Server[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => closed(server)));
});

function closed(server: Server): Promise<void> {
  (server as Partial<HttpServer>).closeAllConnections?.();
  return new Promise((resolve) => server.close(() => resolve()));
}

function listening(server: Server, host = "127.0.0.1"): Promise<number> {
  servers.push(server);
  return new Promise((resolve) => server.listen(0, host, () => resolve((server.address() as AddressInfo).port)));
}

function probe(address: string, input: ProbeInput, prober = new NetworkProber()): Promise<ProbeOutcome> {
  return new Promise((resolve) => prober.probe({ address, probe: probeFromInput(input) }, resolve));
}

/** A port at which nobody listens. */
async function freePort(): Promise<number> {
  const server = createTcpServer();
  const port = await listening(server);
  servers.splice(servers.indexOf(server), 1);
  await closed(server);
  return port;
}

const TCP: ProbeInput = { kind: "tcp", timeoutMs: 500 };

describe("a TCP probe", () => {
  test("passes where somebody listens, under a name as under a number", async () => {
    const port = await listening(createTcpServer());
    expect(await probe(`127.0.0.1:${port}`, TCP)).toEqual({ kind: "passed" });
    expect(await probe(`localhost:${port}`, TCP)).toEqual({ kind: "passed" });
  });

  test("reaches an IPv6 address in brackets", async () => {
    const port = await listening(createTcpServer(), "::1");
    expect(await probe(`[::1]:${port}`, TCP)).toEqual({ kind: "passed" });
  });

  test("fails where nobody does, and says so", async () => {
    const port = await freePort();
    expect(await probe(`127.0.0.1:${port}`, TCP)).toMatchObject({ kind: "failed", why: /ECONNREFUSED/ });
  });

  test("fails for a name that stands for nothing", async () => {
    expect(await probe("nobody.invalid:80", { ...TCP, timeoutMs: 5_000 })).toMatchObject({ kind: "failed" });
  });
});

describe("an HTTP probe", () => {
  const answering = (status: number, headers: Record<string, string> = {}): Promise<number> =>
    listening(createServer((_, response) => response.writeHead(status, headers).end("hello")));

  test("passes with the status that is expected, and with no other", async () => {
    const port = await answering(200);
    expect(await probe(`127.0.0.1:${port}`, { kind: "http" })).toEqual({ kind: "passed" });
    expect(await probe(`127.0.0.1:${port}`, { kind: "http", status: 204 })).toEqual({
      kind: "failed",
      why: "it answered with status 200, not 204",
    });
  });

  test("asks for the path, of the host as it was registered", async () => {
    const asked: string[] = [];
    const server = createServer(({ method, url, headers }, response) => {
      asked.push(`${method} ${url} of ${headers.host}`);
      response.end();
    });
    const port = await listening(server);
    await probe(`localhost:${port}`, { kind: "http", path: "/healthz?deep=1" });
    expect(asked).toEqual([`GET /healthz?deep=1 of localhost:${port}`]);
  });

  test("follows no redirect, and is content with one only when it is what is expected", async () => {
    const asked: string[] = [];
    const elsewhere = await listening(
      createServer(({ url }, response) => {
        asked.push(url!);
        response.end();
      }),
    );
    const port = await answering(302, { location: `http://127.0.0.1:${elsewhere}/` });
    expect(await probe(`127.0.0.1:${port}`, { kind: "http" })).toMatchObject({ kind: "failed", why: /status 302/ });
    expect(await probe(`127.0.0.1:${port}`, { kind: "http", status: 302 })).toEqual({ kind: "passed" });
    expect(asked).toEqual([]);
  });

  test("fails when no answer comes in time, and lets go of the connection", async () => {
    const server = createServer(() => {});
    const port = await listening(server);
    expect(await probe(`127.0.0.1:${port}`, { kind: "http", timeoutMs: 100 })).toEqual({
      kind: "failed",
      why: "no answer within 100 ms",
    });
    await expect.poll(() => new Promise((resolve) => server.getConnections((_, count) => resolve(count)))).toBe(0);
  });

  test("needs no end of the body", async () => {
    const port = await listening(createServer((_, response) => void response.writeHead(200).write("on and on")));
    expect(await probe(`127.0.0.1:${port}`, { kind: "http" })).toEqual({ kind: "passed" });
  });
});

describe("a gRPC probe", () => {
  const serving = (status: Status): Promise<number> =>
    listening(
      createHttp2Server(
        connectNodeAdapter({
          routes: (router) =>
            router.service(Health, {
              check: ({ service }) => ({ status: service === "down" ? Status.NOT_SERVING : status }),
            }),
        }),
      ),
    );

  test("passes when grpc.health.v1 says SERVING, of the service that is asked about", async () => {
    const port = await serving(Status.SERVING);
    expect(await probe(`127.0.0.1:${port}`, { kind: "grpc" })).toEqual({ kind: "passed" });
    expect(await probe(`127.0.0.1:${port}`, { kind: "grpc", service: "down" })).toEqual({
      kind: "failed",
      why: "grpc.health.v1 says NOT_SERVING",
    });
  });

  test("fails where nobody speaks it", async () => {
    const mute = await listening(createHttp2Server((_, response) => void response.writeHead(404).end()));
    expect(await probe(`127.0.0.1:${mute}`, { kind: "grpc" })).toMatchObject({ kind: "failed", why: /Unimplemented/ });
    const port = await freePort();
    expect(await probe(`127.0.0.1:${port}`, { kind: "grpc" })).toMatchObject({ kind: "failed", why: /Unavailable/ });
  });
});

describe("an address that may not be probed", () => {
  test.each(["169.254.169.254:80", "[fe80::1]:80", "[::ffff:169.254.169.254]:80", "8.8.8.8:53"])(
    "is refused without being asked: %s",
    async (address) => {
      expect(await probe(address, TCP)).toMatchObject({ kind: "refused", why: /probe/ });
    },
  );

  test("is refused also when a name stands for it", async () => {
    const port = await listening(createTcpServer());
    const elsewhere = new NetworkProber(new AddressRanges(["10.0.0.0/8"]));
    expect(await probe(`localhost:${port}`, TCP, elsewhere)).toMatchObject({
      kind: "refused",
      why: /^localhost: .*127/,
    });
    expect(await probe(`127.0.0.1:${port}`, { kind: "http" }, elsewhere)).toMatchObject({ kind: "refused" });
    expect(await probe(`localhost:${port}`, { kind: "grpc" }, elsewhere)).toMatchObject({ kind: "refused" });
  });

  test.each(["127.1", "2130706433", "0x7f000001"])("is seen through other ways to write a number: %s", async (host) => {
    const port = await listening(createTcpServer());
    const elsewhere = new NetworkProber(new AddressRanges(["10.0.0.0/8"]));
    expect((await probe(`${host}:${port}`, TCP, elsewhere)).kind).not.toBe("passed");
  });
});

test("one that is given up says nothing", async () => {
  const answers: ProbeOutcome[] = [];
  const port = await listening(createServer(() => {}));
  const prober = new NetworkProber();
  const order = { address: `127.0.0.1:${port}`, probe: probeFromInput({ kind: "http", timeoutMs: 200 }) };
  prober.probe(order, (outcome) => answers.push(outcome))();
  await probe(order.address, order.probe, prober);
  expect(answers).toEqual([]);
});
