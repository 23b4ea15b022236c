import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { digestOfBytes, EMPTY_DIGEST, formatDigest, toggleDigest } from "../src/digest.ts";
import { digestOfRegistration } from "../src/registration-digest.ts";

const registration = {
  keyText: "default/default/orders",
  instanceId: "orders-1",
  clientId: "client-1",
  incarnation: 3,
  counter: 12,
  content: "instance",
};
type Registration = typeof registration;

function digestOf({ keyText, instanceId, clientId, incarnation, counter, content }: Registration) {
  const bytes = new TextEncoder().encode(content);
  return digestOfRegistration(
    keyText,
    { instanceId, clientId, version: { incarnation, counter } },
    digestOfBytes(bytes),
  );
}

describe("the digest of a registration", () => {
  test("is what it always has been: nodes of different releases compare it", () => {
    expect(formatDigest(digestOf(registration))).toBe("7b81f12f97b0c3e5");
  });

  test.each<[string, Partial<Registration>]>([
    ["the service", { keyText: "default/default/payments" }],
    ["the instance id", { instanceId: "orders-2" }],
    ["the client", { clientId: "client-2" }],
    ["the client's incarnation", { incarnation: 4 }],
    ["the counter", { counter: 13 }],
    ["the content", { content: "changed" }],
    ["the content, which may be empty", { content: "" }],
    ["the border between two ids", { instanceId: "orders-", clientId: "1client-1" }],
    ["the border between the counters", { incarnation: 31, counter: 2 }],
    ["which is whose", { instanceId: "client-1", clientId: "orders-1" }],
  ])("depends on %s", (_part, other) => {
    expect(digestOf({ ...registration, ...other })).not.toEqual(digestOf(registration));
  });

  test("is another for any two registrations, whose sum is not that of any third", () => {
    const registrations = fc.record({
      keyText: fc.constantFrom("default/default/orders", "default/default/payments"),
      instanceId: fc.constantFrom("a", "b", "c"),
      clientId: fc.constantFrom("a", "b", "c"),
      incarnation: fc.nat(3),
      counter: fc.nat(12),
      content: fc.constantFrom("", "1", "2"),
    });
    const distinct = fc.uniqueArray(registrations, {
      selector: (one) => JSON.stringify(one),
      minLength: 2,
      maxLength: 8,
    });
    fc.assert(
      fc.property(distinct, (list) => {
        const digests = list.map(digestOf);
        expect(new Set(digests.map(formatDigest)).size).toBe(list.length);
        expect(digests.reduce(toggleDigest, EMPTY_DIGEST)).not.toEqual(EMPTY_DIGEST);
      }),
    );
  });
});
