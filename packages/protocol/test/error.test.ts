import { create } from "@bufbuild/protobuf";
import { ERROR_REASONS, RegistryError, invalidField } from "@rollcall/core";
import { expect, test } from "vitest";
import { ErrorDetailSchema, ReasonSchema } from "../src/gen/rollcall/v1/error_pb.ts";
import { errorDetailCodec, errorFromWire, wireFromError } from "../src/index.ts";

test("the schema and the core have the same reasons, in the same order", () => {
  const inSchema = ReasonSchema.values.map(({ name }) => name.replace("REASON_", "").toLowerCase());
  expect(inSchema).toEqual(["unspecified", ...ERROR_REASONS]);
});

test.each(ERROR_REASONS.map((reason, index) => ({ reason, number: index + 1 })))(
  "$reason travels as $number and comes back",
  ({ reason, number }) => {
    const wire = wireFromError(new RegistryError(reason, "why"));
    expect(wire.reason).toBe(number);
    expect(errorFromWire(wire)).toEqual({ reason, message: "why", subject: undefined });
  },
);

test("what was wrong with an input travels with it", () => {
  const error = invalidField("instance.weight", "a whole number", -1);
  const { reason, message, subject } = error;
  expect(errorFromWire(wireFromError(error))).toEqual({ reason, message, subject });
});

test.each([0, 99])("reason %i, which is not known here, is internal", (reason) => {
  const wire = create(ErrorDetailSchema, { reason: reason as never, message: "from a newer server" });
  expect(errorFromWire(wire)).toEqual({ reason: "internal", message: "from a newer server", subject: undefined });
});

test("a detail that cannot be read is no detail", () => {
  expect(errorDetailCodec.decode(Uint8Array.of(0xff))).toBeUndefined();
});
