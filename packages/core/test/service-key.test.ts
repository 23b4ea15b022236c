import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LIMITS } from "../src/limits.ts";
import { KnownServiceKey, serviceKey, serviceKeyFromText, textFromServiceKey } from "../src/service-key.ts";
import { slotOfServiceKey } from "../src/slot.ts";
import { expectRefusal } from "./refusal.ts";

const letterOrDigit = fc.constantFrom(..."abzABZ059".split(""));
const namespaces = fc
  .tuple(
    letterOrDigit,
    fc.string({ unit: fc.constantFrom(..."aZ0._-".split("")), maxLength: LIMITS.namespaceLength - 2 }),
    letterOrDigit,
  )
  .map((parts) => parts.join(""));
const services = fc
  .tuple(
    letterOrDigit,
    fc.string({ unit: fc.constantFrom(..."aZ0._:@~-".split("")), maxLength: LIMITS.serviceLength - 1 }),
  )
  .map((parts) => parts.join(""));

test("every valid key comes back from its text", () => {
  fc.assert(
    fc.property(namespaces, namespaces, services, (namespace, group, service) => {
      const key = serviceKey({ namespace, group, service });
      expect(key).toEqual({ namespace, group, service });
      expect(serviceKeyFromText(textFromServiceKey(key))).toEqual(key);
    }),
  );
});

test("different keys have different texts", () => {
  fc.assert(
    fc.property(fc.tuple(namespaces, namespaces, services), fc.tuple(namespaces, namespaces, services), (a, b) => {
      const text = ([namespace, group, service]: [string, string, string]) =>
        textFromServiceKey(serviceKey({ namespace, group, service }));
      expect(text(a) === text(b)).toBe(a.join(" ") === b.join(" "));
    }),
  );
});

test("a namespace or group that is absent or empty is the default one", () => {
  const key = { namespace: "default", group: "default", service: "orders" };
  expect(serviceKey({ service: "orders" })).toEqual(key);
  expect(serviceKey({ namespace: "", group: "", service: "orders" })).toEqual(key);
});

test("names that people bring from elsewhere are valid", () => {
  for (const service of ["com.foo.Hello:1.0@DEFAULT", "grpc.health.v1.Health", "inventory~v2", "A", "9"]) {
    expect(serviceKey({ service }).service).toBe(service);
  }
});

describe.each([
  { field: "namespace", lengthMax: LIMITS.namespaceLength },
  { field: "group", lengthMax: LIMITS.namespaceLength },
  { field: "service", lengthMax: LIMITS.serviceLength },
])("the $field", ({ field, lengthMax }) => {
  const keyWith = (value: unknown) => () => serviceKey({ service: "orders", [field]: value as string });

  test(`may have ${lengthMax} characters and not one more`, () => {
    expect(keyWith("n".repeat(lengthMax))()).toMatchObject({ [field]: "n".repeat(lengthMax) });
    const error = expectRefusal(keyWith("n".repeat(lengthMax + 1)), "invalid_field", field);
    expect(error.subject!.limit).toContain(`1 to ${lengthMax}`);
  });

  test.each(["-a", ".a", "_a", "a/b", "a b", "a\n", "ä", "a\u0000", "a,b", "日本", 7, {}])("may not be %j", (value) => {
    expectRefusal(keyWith(value), "invalid_field", field);
  });
});

test("a namespace ends with a letter or digit; a service may end with anything it may hold", () => {
  for (const end of [".", "_", "-"])
    expectRefusal(() => serviceKey({ namespace: `a${end}`, service: "s" }), "invalid_field", "namespace");
  for (const end of [".", "_", "-", ":", "@", "~"]) expect(serviceKey({ service: `s${end}` }).service).toBe(`s${end}`);
  expectRefusal(() => serviceKey({ service: "" }), "invalid_field", "service");
});

test.each(["", "orders", "default/orders", "default//orders", "//", "a/b/c/d", "a/b/c/", "/a/b/c", "-/b/c"])(
  "%j is not the text of a key",
  (text) => {
    expect(() => serviceKeyFromText(text)).toThrow(/must be/);
  },
);

test("a known key is the key it was made of, and is refused each time when it is not valid", () => {
  fc.assert(
    fc.property(namespaces, namespaces, (namespace, group) => {
      const key = { namespace, group, service: "orders" };
      const known = new KnownServiceKey(key);
      expect(known).toEqual(key);
      expect([textFromServiceKey(known), slotOfServiceKey(known)]).toEqual([
        textFromServiceKey(key),
        slotOfServiceKey(key),
      ]);
      expect(serviceKey(known)).toBe(known);
    }),
  );
  const wrong = new KnownServiceKey({ namespace: "default", group: "default", service: "" });
  for (const _time of [1, 2]) expect(() => serviceKey(wrong)).toThrow("service must be 1 to 255");
});
