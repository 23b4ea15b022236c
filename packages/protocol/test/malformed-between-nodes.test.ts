/** What nodes say to each other of slots: each number in each place is checked, and what must be there is asked for. */

import { create, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { ALL_SLOTS, EMPTY_DIGEST, SLOT_COUNT, messageFromFrame, type JoinRequest } from "@rollcall/core";
import { describe, expect, test } from "vitest";
import {
  ClaimSchema,
  LinkRequestSchema,
  LinkResponseSchema,
  ReplicateRequestSchema,
  ReplicateResponseSchema,
} from "../src/gen/rollcall/v1/data_pb.ts";
import { JoinRequestSchema, JoinResponseSchema } from "../src/gen/rollcall/v1/meta_pb.ts";
import {
  claimFromBytes,
  frameFromJoinRequest,
  joinRequestFromBytes,
  joinResponseFromBytes,
  linkRequestFromBytes,
  linkResponseFromBytes,
  replicateRequestFromBytes,
  replicateResponseFromBytes,
} from "../src/index.ts";

const linkRequest = (parts: MessageInitShape<typeof LinkRequestSchema>) =>
  linkRequestFromBytes(toBinary(LinkRequestSchema, create(LinkRequestSchema, parts)));
const linkResponse = (parts: MessageInitShape<typeof LinkResponseSchema>) =>
  linkResponseFromBytes(toBinary(LinkResponseSchema, create(LinkResponseSchema, parts)));
const replicateRequest = (parts: MessageInitShape<typeof ReplicateRequestSchema>) =>
  replicateRequestFromBytes(toBinary(ReplicateRequestSchema, create(ReplicateRequestSchema, parts)));
const replicateResponse = (parts: MessageInitShape<typeof ReplicateResponseSchema>) =>
  replicateResponseFromBytes(toBinary(ReplicateResponseSchema, create(ReplicateResponseSchema, parts)));
const joinRequest = (parts: MessageInitShape<typeof JoinRequestSchema>) =>
  joinRequestFromBytes(toBinary(JoinRequestSchema, create(JoinRequestSchema, parts)));
const joinResponse = (parts: MessageInitShape<typeof JoinResponseSchema>) =>
  joinResponseFromBytes(toBinary(JoinResponseSchema, create(JoinResponseSchema, parts)));
const claim = (parts: MessageInitShape<typeof ClaimSchema>) =>
  claimFromBytes(toBinary(ClaimSchema, create(ClaimSchema, parts)));

const violation = (message: string): unknown => expect.objectContaining({ reason: "protocol_violation", message });

/** A message with a number in one place; decoding gives what it makes of it. */
type Place<Value> = readonly [where: string, decode: (value: Value) => unknown];

const slotPlaces: readonly Place<number>[] = [
  ["a report", (slot) => linkRequest({ reports: [{ slot }] })],
  ["a session's inventory", (slot) => linkRequest({ inventories: [{ slot }] })],
  ["the digests of a session's copies", (slot) => linkRequest({ copies: [{ slot }] })],
  ["a report that is answered", (slot) => linkResponse({ reported: [{ slot }] })],
  ["a report that is not agreed with", (slot) => linkResponse({ disagreed: [{ slot }] })],
  ["a difference for a session", (slot) => linkResponse({ differences: [{ slot }] })],
  ["the slots to ask again for", (slot) => linkResponse({ askAgain: [0, slot] })],
  ["a follower's question", (slot) => replicateRequest({ follows: [{ slot }] })],
  ["the slots no longer followed", (slot) => replicateRequest({ unfollows: [slot] })],
  ["a follower's receipt", (slot) => replicateRequest({ receipts: [{ slot, held: {} }] })],
  ["what a follower wants", (slot) => replicateRequest({ wants: [{ slot }] })],
  ["an update of a slot", (slot) => replicateResponse({ updates: [{ slot }] })],
  ["a leader's inventory", (slot) => replicateResponse({ inventories: [{ slot }] })],
  ["the content of a service", (slot) => replicateResponse({ contents: [{ slot, content: {} }] })],
];

describe.each(slotPlaces)("the slot in %s", (_where, decode) => {
  test("may be the first and the last", () => {
    for (const slot of [0, SLOT_COUNT - 1]) expect(JSON.stringify(decode(slot))).toContain(String(slot));
  });

  test.each([SLOT_COUNT, 0xffff_ffff])("may not be %d", (slot) => {
    expect(() => decode(slot)).toThrow(violation(`a slot is below ${SLOT_COUNT}, got ${slot}`));
  });
});

const counterPlaces: readonly Place<bigint>[] = [
  ["a report's leader epoch", (leaderEpoch) => linkRequest({ reports: [{ leaderEpoch }] })],
  ["the epoch of what a report has seen", (epoch) => linkRequest({ reports: [{ seen: { epoch } }] })],
  ["the counter of what a report has seen", (counter) => linkRequest({ reports: [{ seen: { counter } }] })],
  ["a session's roll-up", (tableEpoch) => linkRequest({ registrations: { tableEpoch } })],
  ["the digest of a session's copies", (leaderEpoch) => linkRequest({ copies: [{ leaderEpoch }] })],
  ["an inventory's leader epoch", (leaderEpoch) => linkRequest({ inventories: [{ leaderEpoch }] })],
  ["an inventory's version", (counter) => linkRequest({ inventories: [{ version: { counter } }] })],
  ["a session's holdings", (leaderEpoch) => linkRequest({ holdings: [{ leaderEpoch }] })],
  ["the write before a session's holdings", (afterWrite) => linkRequest({ holdings: [{ afterWrite }] })],
  ["a report that is answered", (leaderEpoch) => linkResponse({ reported: [{ leaderEpoch }] })],
  ["a report that is not agreed with", (leaderEpoch) => linkResponse({ disagreed: [{ leaderEpoch }] })],
  ["a difference", (leaderEpoch) => linkResponse({ differences: [{ leaderEpoch }] })],
  ["the roll-up of copies", (tableEpoch) => linkResponse({ copies: { tableEpoch } })],
  ["a follower's incarnation", (incarnation) => replicateRequest({ hello: { incarnation } })],
  ["a follower's question", (leaderEpoch) => replicateRequest({ follows: [{ leaderEpoch }] })],
  ["what a follower has", (counter) => replicateRequest({ follows: [{ held: { version: { counter } } }] })],
  ["a follower's receipt", (leaderEpoch) => replicateRequest({ receipts: [{ leaderEpoch, held: {} }] })],
  ["what a follower has received", (epoch) => replicateRequest({ receipts: [{ held: { version: { epoch } } }] })],
  ["what a follower wants", (leaderEpoch) => replicateRequest({ wants: [{ leaderEpoch }] })],
  ["an update of a slot", (leaderEpoch) => replicateResponse({ updates: [{ leaderEpoch }] })],
  ["the base of an update", (counter) => replicateResponse({ updates: [{ base: { counter } }] })],
  ["the version of an update", (counter) => replicateResponse({ updates: [{ version: { counter } }] })],
  ["a leader's inventory", (epoch) => replicateResponse({ inventories: [{ version: { epoch } }] })],
  ["the content of a service", (leaderEpoch) => replicateResponse({ contents: [{ leaderEpoch, content: {} }] })],
  [
    "a claim in the content of a service",
    (incarnation) => replicateResponse({ contents: [{ content: { claims: [{ version: { incarnation } }] } }] }),
  ],
  [
    "a claim in an update",
    (counter) => replicateResponse({ updates: [{ services: [{ claims: [{ version: { counter } }] }] }] }),
  ],
  ["the roll-up of slots", (tableEpoch) => replicateResponse({ slots: { tableEpoch } })],
  ["a claim on disk", (counter) => claim({ version: { counter } })],
  ["a node's sequence number", (sequence) => joinRequest({ sequence })],
  ["meta's echo of it", (sequence) => joinResponse({ sequence })],
  [
    "a departed member",
    (incarnation) =>
      joinResponse({
        state: {
          table: { owners: ALL_SLOTS.map(() => ({})) },
          departed: [{ role: 1, incarnation }],
        },
      }),
  ],
];

describe.each(counterPlaces)("the counter in %s", (_where, decode) => {
  test("may be as large as a number can be", () => {
    expect(JSON.stringify(decode(2n ** 53n - 1n))).toContain("9007199254740991");
  });

  test.each([2n ** 53n, 2n ** 64n - 1n])("may not be %d", (value) => {
    expect(() => decode(value)).toThrow(violation(`a counter must be below 2^53, got ${value}`));
  });
});

describe("what must be there", () => {
  test("is the content, in the content of a service", () => {
    expect(() => replicateResponse({ contents: [{ slot: 1 }] })).toThrow(violation("content of a service has claims"));
    // Without a single claim it says that there are none.
    expect(replicateResponse({ contents: [{ content: { key: { service: "orders" } } }] }).contents).toMatchObject([
      { after: "", upTo: "", content: { key: { service: "orders" }, claims: [] } },
    ]);
  });

  test("is what is held, in a follower's receipt", () => {
    expect(() => replicateRequest({ receipts: [{ slot: 1, resync: true }] })).toThrow(
      violation("a slot receipt says what is held"),
    );
  });
});

test("what an older session leaves out of a report is zero", () => {
  const report = { slot: 7, leaderEpoch: 3, digest: EMPTY_DIGEST, seen: { epoch: 0, counter: 0 } };
  expect(linkRequest({ reports: [{ slot: 7, leaderEpoch: 3n }] }).reports).toEqual([report]);
  expect(linkResponse({ reported: [{ slot: 7, leaderEpoch: 3n }] }).reported).toEqual([report]);
});

test("what an older node leaves out of its conversation with meta is nothing", () => {
  expect(joinRequest({ stateVersion: 5n })).toMatchObject({ sequence: 0, synced: new Set() });
  expect(joinResponse({ incarnation: 2n })).toMatchObject({ sequence: 0 });
  const state = { table: { owners: ALL_SLOTS.map(() => ({})) } };
  expect(joinResponse({ state }).state).toMatchObject({ departed: [] });
});

describe("the slots that a node has in full", () => {
  const bytesOf = (...bytes: number[]) => Uint8Array.from(bytes);
  const nothing: JoinRequest = {
    hello: undefined,
    stateVersion: 0,
    leaving: false,
    sequence: 0,
    synced: new Set(),
    load: undefined,
    controlsVersion: undefined,
    controlsReceived: 0,
    draining: false,
    usage: undefined,
    unreachable: [],
  };

  test("are bit n % 8 of byte n / 8 on the wire", () => {
    const synced = new Set([0, 9, 255].map((slot) => ALL_SLOTS[slot]!));
    const frame = frameFromJoinRequest({ ...nothing, synced });
    const bitmap = new Uint8Array(SLOT_COUNT / 8);
    bitmap.set([1, 2]);
    bitmap[31] = 0x80;
    // Field 5, 32 bytes long.
    expect(messageFromFrame(frame)).toEqual(bytesOf(0x2a, 32, ...bitmap));
    expect(joinRequest({ synced: bitmap }).synced).toEqual(synced);
  });

  test("cost nothing when there are none", () => {
    expect(messageFromFrame(frameFromJoinRequest(nothing))).toHaveLength(0);
  });

  test("may be cut behind the last", () => {
    expect(joinRequest({ synced: bytesOf(0, 3) }).synced).toEqual(new Set([8, 9]));
    expect(joinRequest({ synced: bytesOf(0) }).synced).toEqual(new Set());
    expect(joinRequest({ synced: new Uint8Array(32).fill(0xff) }).synced).toEqual(new Set(ALL_SLOTS));
  });

  test.each([33, 1_000])("may not be %d bytes, which are more slots than there are", (length) => {
    expect(() => joinRequest({ synced: new Uint8Array(length) })).toThrow(
      violation(`a set of slots takes at most 32 bytes, got ${length}`),
    );
  });
});
