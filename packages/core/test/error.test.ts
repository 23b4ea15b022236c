import { describe, expect, test } from "vitest";
import { assert, unreachable } from "../src/assert.ts";
import { ERROR_REASONS, invalidField, limitExceeded, RegistryError, VALUE_SHOWN_MAX } from "../src/error.ts";

describe("a refusal", () => {
  test("names the field, what is allowed and what came", () => {
    const error = invalidField("instance.weight", "a whole number from 0 to 10000", -1);
    expect(error.message).toBe("instance.weight must be a whole number from 0 to 10000, got -1");
    expect(error.reason).toBe("invalid_field");
    expect(error.subject).toEqual({ field: "instance.weight", limit: "a whole number from 0 to 10000", value: "-1" });
  });

  test("of too many says how many are allowed", () => {
    const error = limitExceeded("filter.metadata", "16 keys", 17);
    expect(error.message).toBe("filter.metadata may be at most 16 keys, got 17");
    expect(error.reason).toBe("limit_exceeded");
  });

  test.each([
    ["text", '"text"'],
    ['a"\n', String.raw`"a\"\n"`],
    [7, "7"],
    [undefined, "undefined"],
    [null, "null"],
    [{}, "[object Object]"],
  ])("shows %j as %s", (value, shown) => {
    expect(invalidField("field", "rule", value).subject!.value).toBe(shown);
  });

  test("shows only the beginning of a long value, and how long it is", () => {
    const whole = invalidField("field", "rule", "x".repeat(VALUE_SHOWN_MAX - 2)).subject!.value;
    expect(whole).toBe(`"${"x".repeat(VALUE_SHOWN_MAX - 2)}"`);
    const cut = invalidField("field", "rule", "x".repeat(1_000_000)).subject!.value;
    expect(cut).toBe(`"${"x".repeat(VALUE_SHOWN_MAX - 1)}… (1000002 characters)`);
  });
});

describe("an error", () => {
  test("stays itself through the door from unknown, and anything else becomes internal with its cause", () => {
    const error = new RegistryError("moved" as never, "elsewhere");
    expect(RegistryError.fromUnknown(error)).toBe(error);
    const cause = new TypeError("x is not a function");
    expect(RegistryError.fromUnknown(cause)).toMatchObject({ reason: "internal", message: cause.message, cause });
    expect(RegistryError.fromUnknown("text")).toMatchObject({ reason: "internal", message: "text", cause: "text" });
  });

  test("of another copy of this library is one, and an error that merely looks like one is not", () => {
    class RegistryErrorOfAnotherPackage extends Error {
      override readonly name = "RegistryError";
    }
    expect(new RegistryErrorOfAnotherPackage("no")).toBeInstanceOf(RegistryError);
    for (const other of [new Error("RegistryError"), { name: "RegistryError" }, undefined])
      expect(other instanceof RegistryError).toBe(false);
  });

  test("is made from its value, which is all that travels", () => {
    const { reason, message, subject } = invalidField("field", "rule", 1);
    const arrived = RegistryError.from({ reason, message, subject });
    expect(arrived).toBeInstanceOf(RegistryError);
    expect(arrived).toMatchObject({ name: "RegistryError", reason, message, subject });
    expect(RegistryError.from(arrived)).toBe(arrived);
  });

  test("has no cause unless one is given", () => {
    expect("cause" in new RegistryError("closed", "over")).toBe(false);
    expect(new RegistryError("closed", "over", { cause: 1 }).cause).toBe(1);
  });

  test("has one of a closed set of reasons, each there once", () => {
    expect(new Set(ERROR_REASONS).size).toBe(ERROR_REASONS.length);
    for (const reason of ERROR_REASONS) expect(reason).toMatch(/^[a-z]+(_[a-z]+)*$/);
  });
});

test("a broken invariant stops with its words", () => {
  expect(() => assert(true, "never said")).not.toThrow();
  expect(() => assert(false, "a datum's version only grows")).toThrow("invariant broken: a datum's version only grows");
  expect(() => unreachable({ kind: "new" } as never)).toThrow('unreachable case: {"kind":"new"}');
});
