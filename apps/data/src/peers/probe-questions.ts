/** The three questions a probe can be, each asked once, at addresses that were checked before. */

import type { LookupAddress } from "node:dns";
import { request } from "node:http";
import { connect, type LookupFunction } from "node:net";

import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { Http2SessionManager, createGrpcTransport } from "@connectrpc/connect-node";
import type { Probe } from "@rollcall/core";
import { Health, HealthCheckResponse_ServingStatus as Status } from "@rollcall/protocol";

export interface Place {
  /** `host:port` as it was registered. */
  readonly authority: string;
  readonly host: string;
  readonly port: number;
  /** What the host stands for. */
  readonly addresses: readonly LookupAddress[];
}

/** What is wrong with the answer; undefined when it is good. Rejects when there is none. */
export function ask(place: Place, probe: Probe, signal: AbortSignal): Promise<string | undefined> {
  switch (probe.kind) {
    case "tcp":
      return askTcp(place, signal);
    case "http":
      return askHttp(place, probe, signal);
    case "grpc":
      return askGrpc(place, probe.service, signal);
  }
}

function askTcp({ host, port, addresses }: Place, signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, lookup: lookupOf(addresses), signal });
    socket.on("error", reject);
    socket.on("connect", () => {
      socket.destroy();
      resolve(undefined);
    });
  });
}

/** Redirects are answers like others: whoever is asked could otherwise send this node anywhere. */
function askHttp(
  { authority, host, port, addresses }: Place,
  { path, status }: Extract<Probe, { kind: "http" }>,
  signal: AbortSignal,
): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { host: authority, "user-agent": "rollcall-probe", connection: "close" };
    const asked = request({ host, port, path, headers, lookup: lookupOf(addresses), agent: false, signal });
    asked.on("error", reject);
    asked.on("response", (response) => {
      // The body is of no interest, and may have no end.
      response.destroy();
      const { statusCode } = response;
      resolve(statusCode === status ? undefined : `it answered with status ${statusCode}, not ${status}`);
    });
    asked.end();
  });
}

async function askGrpc(
  { authority, addresses }: Place,
  service: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const baseUrl = `http://${authority}`;
  const sessionManager = new Http2SessionManager(baseUrl, {}, { lookup: lookupOf(addresses) });
  try {
    const transport = createGrpcTransport({ baseUrl, sessionManager });
    const { status } = await createClient(Health, transport).check({ service }, { signal });
    return status === Status.SERVING ? undefined : `grpc.health.v1 says ${nameOf(Status, status)}`;
  } catch (thrown) {
    const { code, rawMessage } = ConnectError.from(thrown);
    return `grpc.health.v1 fails with ${nameOf(Code, code)}: ${rawMessage}`;
  } finally {
    sessionManager.abort();
  }
}

function lookupOf(addresses: readonly LookupAddress[]): LookupFunction {
  return (_host, { all }, found) => {
    const [first] = addresses;
    if (all === true) found(null, [...addresses]);
    else found(null, first!.address, first!.family);
  };
}

function nameOf(names: Readonly<Record<string, string | number>>, value: number): string {
  return Object.keys(names).find((name) => names[name] === value) ?? String(value);
}
