import { once } from "node:events";
import { Code, ConnectError } from "@connectrpc/connect";
import * as grpc from "@grpc/grpc-js";
import { describe, expect, onTestFinished, test } from "vitest";

import { ERROR_REASONS, RegistryError, type ErrorReason } from "@rollcall/core";
import { connectErrorFromRegistryError, registryErrorFromConnectError } from "@rollcall/runtime";
import { deadlineFromHeaders } from "../src/stream/deadline.ts";
import { bytesOfText, jsonDetail, listenTo, TALK_PATH, textOfBytes } from "./echo-service.ts";
import { dialer, serveEcho } from "./serve.ts";

const codes: Readonly<Record<ErrorReason, Code>> = {
  invalid_field: Code.InvalidArgument,
  limit_exceeded: Code.ResourceExhausted,
  unknown_registration: Code.NotFound,
  not_ready: Code.Unavailable,
  unavailable: Code.Unavailable,
  deadline_exceeded: Code.DeadlineExceeded,
  protocol_violation: Code.InvalidArgument,
  shutting_down: Code.Unavailable,
  closed: Code.Canceled,
  internal: Code.Internal,
  overloaded: Code.Unavailable,
  not_leader: Code.FailedPrecondition,
  conflict: Code.Aborted,
  blocked: Code.FailedPrecondition,
};

const errorFor = (reason: ErrorReason) =>
  new RegistryError(reason, `"${reason}": 50 % of\nit – 🦊`, { subject: { field: "f", limit: "l", value: "v" } });

describe.each(ERROR_REASONS)("%s", (reason) => {
  const error = errorFor(reason);
  const same = { reason, message: error.message, subject: error.subject };

  test("has its code, and survives Connect with its detail", () => {
    const connectError = connectErrorFromRegistryError(error, jsonDetail);
    expect(connectError.code).toBe(codes[reason]);
    expect(registryErrorFromConnectError(connectError, jsonDetail)).toMatchObject(same);
  });

  test("survives a link, and reaches a gRPC client with its code and message", async () => {
    const { address } = await serveEcho({
      streams: new Map([
        [
          TALK_PATH,
          (stream) => {
            stream.listen({ message: () => {}, closed: () => {} });
            stream.close(error);
          },
        ],
      ]),
    });
    const ear = listenTo(dialer().dial(address, TALK_PATH));
    expect(await ear.ended()).toMatchObject(same);
    const client = new grpc.Client(address, grpc.credentials.createInsecure());
    onTestFinished(() => client.close());
    const talk = client.makeBidiStreamRequest(TALK_PATH, (text: string) => Buffer.from(bytesOfText(text)), textOfBytes);
    talk.resume();
    const [told] = (await once(talk, "error")) as [grpc.ServiceError];
    expect(told).toMatchObject({ code: codes[reason], details: error.message });
  });
});

test("an error without our detail keeps the nearest reason", () => {
  expect(registryErrorFromConnectError(new ConnectError("full", Code.ResourceExhausted))).toMatchObject({
    reason: "limit_exceeded",
    message: "full",
    subject: undefined,
  });
  expect(registryErrorFromConnectError(new ConnectError("odd", Code.DataLoss))).toMatchObject({ reason: "internal" });
});

test.each([
  [{}, undefined],
  [{ "connect-timeout-ms": "1500" }, 1_500],
  [{ "connect-timeout-ms": "soon" }, undefined],
  [{ "connect-timeout-ms": "9999999999" }, undefined],
  [{ "grpc-timeout": "2S" }, 2_000],
  [{ "grpc-timeout": "1500m" }, 1_500],
  [{ "grpc-timeout": "500000u" }, 500],
  [{ "grpc-timeout": "1H" }, 3_600_000],
  [{ "grpc-timeout": "123456789S" }, undefined],
  [{ "grpc-timeout": "1 day" }, undefined],
])("the deadline in %j is %j", (headers, deadlineMs) => {
  expect(deadlineFromHeaders(headers)).toBe(deadlineMs);
});
