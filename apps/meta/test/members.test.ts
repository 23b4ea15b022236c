import type { NodeHello } from "@rollcall/core";
import { describe, expect, test } from "vitest";
import { Members, type KnownMember } from "../src/membership/members.ts";
import { SAYS_NOTHING } from "./open-cluster.ts";

const LEASE_MS = 3_000;

const hello = (nodeId: string, change: Partial<NodeHello> = {}): NodeHello => ({
  nodeId,
  startId: `${nodeId}, first start`,
  role: "data",
  address: `${nodeId}:9620`,
  incarnation: 0,
  ...SAYS_NOTHING,
  ...change,
});

const founded = () => new Members({ leaseMs: LEASE_MS }, { members: [], lastIncarnation: 0 }, 0);
const ids = (members: readonly KnownMember[]) => members.map(({ nodeId }) => nodeId);

test("each life of a node gets an incarnation higher than any before", () => {
  const members = founded();
  const lives = [
    members.join(hello("a"), 0),
    members.join(hello("b"), 0),
    members.join(hello("a", { startId: "second" }), 0),
    members.join(hello("b", { startId: "second" }), 0),
  ];
  expect(lives.map(({ member, as }) => [member.incarnation, as])).toEqual([
    [1, "new"],
    [2, "new"],
    [3, "restarted"],
    [4, "restarted"],
  ]);
  expect(lives.map(({ replaced }) => replaced)).toEqual([undefined, undefined, lives[0]!.member, lives[1]!.member]);
  expect(members.lastIncarnation).toBe(4);
});

test("a reconnect is the same life, whatever incarnation it says it has", () => {
  const members = founded();
  const { member } = members.join(hello("a"), 0);
  expect(members.join(hello("a", { incarnation: 1 }), 0)).toEqual({ member, as: "same", replaced: undefined });
  expect(members.join(hello("a", { incarnation: 0 }), 0)).toEqual({ member, as: "same", replaced: undefined });
});

test("a reconnect of which a newer meta understands more is the same life, better known", () => {
  const members = founded();
  const { member } = members.join(hello("a"), 0);
  const known = { ...member, zone: "east", software: "2.0" };
  expect(members.join(hello("a", { incarnation: 1, zone: "east", software: "2.0" }), 0)).toEqual({
    member: known,
    as: "described",
    replaced: undefined,
  });
  expect(members.list()).toEqual([known]);
});

test("a node at another address is another life, even with the same start", () => {
  const members = founded();
  members.join(hello("a"), 0);
  expect(members.join(hello("a", { address: "elsewhere:1" }), 0)).toMatchObject({
    member: { incarnation: 2, address: "elsewhere:1" },
    as: "restarted",
  });
});

describe("a lease", () => {
  test("ends when it has not been renewed for its length, and not before", () => {
    const members = founded();
    members.join(hello("a"), 100);
    expect(members.expire(100 + LEASE_MS - 1)).toEqual([]);
    expect(ids(members.expire(100 + LEASE_MS))).toEqual(["a"]);
    expect(members.list()).toEqual([]);
    expect(members.expire(1_000_000)).toEqual([]);
  });

  test("goes on from each renewal, and from each join", () => {
    const members = founded();
    const { member } = members.join(hello("a"), 0);
    expect(members.renew(member, 2_000)).toBe(true);
    members.join(hello("a"), 4_000);
    expect(members.expire(4_000 + LEASE_MS - 1)).toEqual([]);
    expect(ids(members.expire(4_000 + LEASE_MS))).toEqual(["a"]);
  });

  test("of a past life is not renewed and not given up", () => {
    const members = founded();
    const past = members.join(hello("a"), 0).member;
    const present = members.join(hello("a", { startId: "second" }), 0).member;
    expect(members.renew(past, 0)).toBe(false);
    expect(members.leave(past)).toBe(false);
    expect(members.list()).toEqual([present]);
  });

  test("that has ended cannot be renewed: the node joins again as the life it was", () => {
    const members = founded();
    const { member } = members.join(hello("a"), 0);
    members.join(hello("b"), 0);
    members.expire(LEASE_MS);
    expect(members.renew(member, LEASE_MS)).toBe(false);
    expect(members.join(hello("a", { incarnation: member.incarnation }), LEASE_MS)).toEqual({
      member,
      as: "back",
      replaced: undefined,
    });
    expect(members.lastIncarnation).toBe(2);
  });
});

test("everybody gets a whole lease when nobody could renew", () => {
  const members = founded();
  members.join(hello("a"), 0);
  members.join(hello("b"), 2_000);
  members.renewAll(60_000);
  expect(members.expire(60_000 + LEASE_MS - 1)).toEqual([]);
  expect(ids(members.expire(60_000 + LEASE_MS))).toEqual(["a", "b"]);
});

test("who leaves is gone at once, and only once", () => {
  const members = founded();
  const { member } = members.join(hello("a"), 0);
  expect([members.leave(member), members.leave(member)]).toEqual([true, false]);
  expect(members.list()).toEqual([]);
  expect(members.expire(1_000_000)).toEqual([]);
});

describe("members that were stored", () => {
  const stored: KnownMember[] = [
    { nodeId: "a", startId: "a, first start", role: "data", address: "a:9620", incarnation: 4 },
    { nodeId: "s", startId: "s, first start", role: "session", address: "s:9600", incarnation: 7 },
  ];
  const restored = (now: number) => new Members({ leaseMs: LEASE_MS }, { members: stored, lastIncarnation: 9 }, now);

  test("stay for one whole lease, for nobody could renew while meta was down", () => {
    const members = restored(50_000);
    expect(members.expire(50_000 + LEASE_MS - 1)).toEqual([]);
    expect(ids(members.expire(50_000 + LEASE_MS))).toEqual(["a", "s"]);
  });

  test("are known again by their start", () => {
    const members = restored(0);
    expect(members.join(hello("a", { incarnation: 4 }), 0).as).toBe("same");
    expect(members.join(hello("a", { startId: "second" }), 0)).toMatchObject({ member: { incarnation: 10 } });
  });

  test("a life whose incarnation the store has lost keeps it, and later ones go above it", () => {
    const members = restored(0);
    expect(members.join(hello("new", { incarnation: 12 }), 0).member.incarnation).toBe(12);
    expect(members.join(hello("newer"), 0).member.incarnation).toBe(13);
  });
});
