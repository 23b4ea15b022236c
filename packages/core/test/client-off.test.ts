import { expect, test } from "vitest";

import { addressRangeFromText, isInRange, numberFromAddress } from "../src/address-range.ts";
import { ClientSwitches, checkClientOff, type ClientOff, type ClientsOff } from "../src/client-off.ts";

const at = (range: string): ClientsOff => ({ kind: "address", range });
const named = (name: string): ClientsOff => ({ kind: "name", name });
const off = (clients: ClientsOff, what: "register" | "subscribe" | "both" = "both"): ClientOff => ({
  kind: "client off",
  clients,
  register: what !== "subscribe",
  subscribe: what !== "register",
});

test.each([
  ["10.0.0.7", "10.0.0.7", true],
  ["10.0.0.7", "10.0.0.8", false],
  ["10.0.0.0/8", "10.255.0.1", true],
  ["10.0.0.0/8", "11.0.0.1", false],
  ["10.1.2.3/8", "10.9.9.9", true],
  ["10.0.0.7", "::ffff:10.0.0.7", true],
  ["::ffff:10.0.0.0/104", "10.1.2.3", true],
  ["0.0.0.0/0", "192.168.1.1", true],
  ["0.0.0.0/0", "fd00::1", false],
  ["::/0", "10.0.0.1", true],
  ["fd00::/8", "fdff:1::2", true],
  ["fd00::/8", "fe80::1", false],
  ["::1", "0:0:0:0:0:0:0:1", true],
  ["2001:db8::a:0:0:1", "2001:0db8:0:0:a::1", true],
])("what is in %s: %s, %s", (range, address, isIn) => {
  expect(isInRange(numberFromAddress(address)!, addressRangeFromText(range)!)).toBe(isIn);
});

test.each([
  "",
  "10.0.0",
  "10.0.0.256",
  "010.0.0.1",
  "10.0.0.0/33",
  "10.0.0.0/",
  "10.0.0.0/8/8",
  "::/129",
  "1::2::3",
  "a",
])("%s is no range", (text) => {
  expect(addressRangeFromText(text)).toBeUndefined();
  expect(() => checkClientOff(off(at(text)))).toThrow(expect.objectContaining({ reason: "invalid_field" }));
});

test("a client is found by its address, its id and its name", () => {
  const switches = new ClientSwitches([
    off(at("10.0.0.0/24")),
    off(named("billing")),
    off(named("shop~5")),
    off(named("x~y")),
  ]);
  const isOff = (clientId: string, address: string) => switches.of({ clientId, address: `${address}:4711` }).register;
  expect(isOff("anybody~1", "10.0.0.9")).toBe(true);
  expect(isOff("billing~81f3", "192.168.0.1")).toBe(true);
  expect(isOff("billing", "192.168.0.1")).toBe(true);
  expect(isOff("billing-two~1", "192.168.0.1")).toBe(false);
  expect(isOff("shop~5", "192.168.0.1")).toBe(true);
  expect(isOff("shop~6", "192.168.0.1")).toBe(false);
  expect(isOff("x~y~1", "192.168.0.1")).toBe(true);
  expect(isOff("", "")).toBe(false);
});

test("what several decisions hold back of a client is held back", () => {
  const client = { clientId: "shop~1", address: "10.0.0.1:4711" };
  const one = new ClientSwitches([off(at("10.0.0.1"), "register")]);
  expect(one.of(client)).toEqual({ register: true, subscribe: false });
  const two = new ClientSwitches([off(at("10.0.0.1"), "register"), off(named("shop"), "subscribe")]);
  expect(two.of(client)).toEqual({ register: true, subscribe: true });
});

test("a decision that holds nothing back, or is about nobody, cannot be made", () => {
  const nothing = { ...off(at("10.0.0.1")), register: false, subscribe: false };
  expect(() => checkClientOff(nothing)).toThrow(expect.objectContaining({ reason: "invalid_field" }));
  expect(() => checkClientOff(off(named("")))).toThrow(expect.objectContaining({ reason: "invalid_field" }));
});
