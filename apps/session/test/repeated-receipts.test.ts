import { NO_FILTER, messageFromFrame, type ClientMessage } from "@rollcall/core";
import { clientMessageFromBytes, frameFromClientMessage } from "@rollcall/protocol";
import { expect, test } from "vitest";

import { RepeatedReceipts } from "../src/rpc/repeated-receipts.ts";
import { ORDERS, version } from "./fixture.ts";

const receiptOf = (counter: number) => ({
  key: ORDERS,
  filter: NO_FILTER,
  held: { version: version(counter), digest: { high: 1, low: counter } },
  resync: false,
});

function encoded(message: Partial<ClientMessage>) {
  const bytes = messageFromFrame(frameFromClientMessage(message));
  return { bytes, message: clientMessageFromBytes(bytes) };
}

test("a receipt is known again by its bytes, whoever sends it, and no other is taken for it", () => {
  const receipts = new RepeatedReceipts();
  const [one, two] = [encoded({ receipts: [receiptOf(1)] }), encoded({ receipts: [receiptOf(2)] })];
  expect(receipts.find(one.bytes)).toBeUndefined();
  receipts.remember(one.bytes, one.message);
  expect(receipts.find(Uint8Array.from(one.bytes))).toBe(one.message);
  expect(receipts.find(two.bytes)).toBeUndefined();
  expect(receipts.find(one.bytes.subarray(1))).toBeUndefined();
});

test("bytes that are written again later are still known as what they were", () => {
  const receipts = new RepeatedReceipts();
  const { bytes, message } = encoded({ receipts: [receiptOf(1)] });
  receipts.remember(bytes, message);
  const before = Uint8Array.from(bytes);
  bytes.fill(0);
  expect(receipts.find(bytes)).toBeUndefined();
  expect(receipts.find(before)).toBe(message);
});

test("only the last few are remembered", () => {
  const receipts = new RepeatedReceipts();
  const many = Array.from({ length: 9 }, (_, index) => encoded({ receipts: [receiptOf(index)] }));
  for (const { bytes, message } of many) receipts.remember(bytes, message);
  expect(many.map(({ bytes }) => receipts.find(bytes) !== undefined)).toEqual([
    false,
    ...Array.from({ length: 8 }, () => true),
  ]);
});

test("a message that asks for anything is never taken for one that was there before", () => {
  const receipts = new RepeatedReceipts();
  const { bytes, message } = encoded({
    receipts: [receiptOf(1)],
    unregisters: [{ sequence: 1, key: ORDERS, version: { incarnation: 1, counter: 1 }, instanceId: "a" }],
  });
  receipts.remember(bytes, message);
  expect(receipts.find(bytes)).toBeUndefined();
});
