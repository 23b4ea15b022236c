import { expect } from "vitest";
import { RegistryError, type ErrorReason } from "../src/error.ts";

/** Calls what must be refused and gives the error back, having seen that it names field, limit and value. */
export function expectRefusal(call: () => unknown, reason: ErrorReason, field: string): RegistryError {
  let thrown: unknown;
  try {
    call();
  } catch (error) {
    thrown = error;
  }
  expect(thrown, `${field} is refused`).toBeInstanceOf(RegistryError);
  const error = thrown as RegistryError;
  expect({ reason: error.reason, field: error.subject?.field }).toEqual({ reason, field });
  expect(error.message).toContain(error.subject!.field);
  expect(error.message).toContain(error.subject!.limit);
  expect(error.message).toContain(error.subject!.value);
  return error;
}
