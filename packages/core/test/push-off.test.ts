import { describe, expect, test } from "vitest";
import { checkControl, controlId, hostOfPeer, nameOfClient, type PushOff, type PushScope } from "../src/index.ts";

const off = (scope: PushScope, exceptClients: readonly string[] = []): PushOff => ({
  kind: "push off",
  scope,
  exceptClients,
});

test.each([
  { scope: { kind: "cluster" }, id: "push/cluster" },
  { scope: { kind: "namespace", namespace: "shop" }, id: "push/namespace/shop" },
  { scope: { kind: "zone", zone: "eu-1" }, id: "push/zone/eu-1" },
] satisfies { scope: PushScope; id: string }[])("a decision about $scope is one, whoever is excepted: $id", (given) => {
  expect(controlId(off(given.scope))).toBe(given.id);
  expect(controlId(off(given.scope, ["canary"]))).toBe(given.id);
});

describe("what cannot be decided is refused with the field", () => {
  test.each([
    { what: off({ kind: "namespace", namespace: "" }), says: "namespace must be 1 to 63" },
    { what: off({ kind: "zone", zone: "a/b" }), says: "zone must be" },
    { what: off({ kind: "zone", zone: "" }), says: "zone must be" },
    { what: off({ kind: "cluster" }, [""]), says: "except_clients must be of 1 to 128 characters each" },
    {
      what: off(
        { kind: "cluster" },
        Array.from({ length: 257 }, () => "c"),
      ),
      says: "except_clients may be at most 256",
    },
  ])("$says", ({ what, says }) => expect(() => checkControl(what)).toThrow(says));
});

test.each([
  { id: "orders~0f3a", name: "orders" },
  { id: "a~b~0f3a", name: "a~b" },
  { id: "0f3a", name: "0f3a" },
])("the name in client id $id is $name", ({ id, name }) => expect(nameOfClient(id)).toBe(name));

test.each([
  { peer: "10.0.0.7:5123", host: "10.0.0.7" },
  { peer: "::ffff:10.0.0.7:5123", host: "10.0.0.7" },
  { peer: "[fe80::1]:80", host: "fe80::1" },
  { peer: "fe80::1:80", host: "fe80::1" },
])("a connection from $peer comes from host $host", ({ peer, host }) => expect(hostOfPeer(peer)).toBe(host));
