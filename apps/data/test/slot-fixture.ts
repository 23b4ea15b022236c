/** The content of a slot in the hands of a test, what may happen to it, and all that is in it as text. */

import {
  ByteStore,
  EMPTY_DIGEST,
  digestOfBytes,
  digestOfRegistration,
  digestOfText,
  epoch,
  formatVersion,
  mixDigests,
  textFromServiceKey,
  toggleDigest,
  type ClaimRecord,
  type Digest,
  type ServiceKey,
  type Version,
  type Write,
} from "@rollcall/core";
import * as fc from "fast-check";

import { Names } from "../src/datums/names.ts";
import { recordOfClaim, type Claim } from "../src/datums/claim.ts";
import { AS_REGISTERED } from "../src/datums/registered-service.ts";
import { SlotContent, type ClaimWatcher } from "../src/datums/slot-content.ts";
import { keysInOneSlot } from "./replication-fixture.ts";

export const { slot: SLOT, keys: KEYS } = keysInOneSlot(3);
export const SESSIONS = ["s#1", "t#1", "u#4"] as const;
export const EVERYTHING = { after: "", upTo: "" };

export const at = (leaderEpoch: number, counter: number): Version => ({ epoch: epoch(leaderEpoch), counter });

/** Keeps a copy of every claim by what it hears, as the disk does. */
export class Copy implements ClaimWatcher {
  readonly #claims = new Map<string, string>();

  changed(claim: Claim): void {
    this.#claims.set(nameOf(claim.service.keyText, claim), textOf(claim.service.keyText, recordOfClaim(claim)));
  }

  discarded(claim: Claim): void {
    this.#claims.delete(nameOf(claim.service.keyText, claim));
  }

  texts(): string[] {
    return [...this.#claims.values()].toSorted();
  }
}

export function emptySlot(watcher: ClaimWatcher = new Copy()): SlotContent {
  return new SlotContent(
    SLOT,
    at(0, 0),
    { bytes: new ByteStore(), names: new Names(), showing: AS_REGISTERED },
    watcher,
  );
}

export function ledSlot(leaderEpoch = 1, watcher?: ClaimWatcher): SlotContent {
  const content = emptySlot(watcher);
  content.lead(epoch(leaderEpoch));
  return content;
}

export interface Word {
  readonly kind: "register" | "unregister";
  readonly key: ServiceKey;
  readonly client: string;
  readonly instanceId: string;
  readonly incarnation: number;
  readonly counter: number;
  readonly leaseMs: number;
}

export const word = (kind: Word["kind"], counter: number, change: Partial<Word> = {}): Word => ({
  kind,
  key: KEYS[0]!,
  client: "c1",
  instanceId: "i-1",
  incarnation: 1,
  counter,
  leaseMs: 0,
  ...change,
});

/** What a client registers at a version is always the same, so a duplicate is a duplicate. */
export function writeFrom({ kind, key, client, instanceId, incarnation, counter, leaseMs }: Word): Write {
  const text = `${instanceId} of ${client} at ${incarnation}.${counter}`;
  return {
    sequence: 1,
    kind,
    leaderEpoch: epoch(1),
    key,
    instanceId,
    clientId: client,
    version: { incarnation, counter },
    instance: kind === "register" ? new TextEncoder().encode(text) : new Uint8Array(0),
    leaseMs,
  };
}

export const words: fc.Arbitrary<Word> = fc.record({
  kind: fc.constantFrom("register" as const, "register" as const, "unregister" as const),
  key: fc.constantFrom(...KEYS),
  client: fc.constantFrom("c1", "c2"),
  instanceId: fc.constantFrom("i-1", "i-2", "i-3", "i-4"),
  incarnation: fc.integer({ min: 1, max: 2 }),
  counter: fc.integer({ min: 1, max: 4 }),
  leaseMs: fc.constantFrom(0, 0, 0, 5_000),
});

/** What may happen to a slot at its leader. */
export type Happening =
  | { readonly kind: "write"; readonly word: Word; readonly session: string }
  | { readonly kind: "end"; readonly which: number; readonly presumed: boolean }
  | { readonly kind: "forget"; readonly which: number };

export const happenings: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("write" as const), word: words, session: fc.constantFrom(...SESSIONS) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("end" as const), which: fc.nat(), presumed: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("forget" as const), which: fc.nat() }) },
);

export function happen(content: SlotContent, happening: Happening): void {
  if (happening.kind === "write") {
    content.obtain(happening.word.key).merge(writeFrom(happening.word), happening.session);
    return;
  }
  const isEnding = happening.kind === "end";
  const claims = [...content.claims()].filter(({ removed }) => removed !== isEnding);
  const claim = claims[happening.which % Math.max(1, claims.length)];
  if (claim === undefined) return;
  if (happening.kind === "end") claim.service.end(claim, happening.presumed);
  else {
    claim.service.discard(claim, content.version);
    content.release(claim.service);
  }
}

export function slotAfter(story: readonly Happening[], watcher?: ClaimWatcher): SlotContent {
  const content = ledSlot(1, watcher);
  for (const happening of story) happen(content, happening);
  return content;
}

// All that is there ----------------------------------------------------------------------------------------------------

function nameOf(keyText: string, { instanceId, clientId }: Pick<Claim, "instanceId" | "clientId">): string {
  return `${keyText} ${instanceId} ${clientId}`;
}

function textOf(keyText: string, record: ClaimRecord): string {
  const { version, removed, presumed, session, leaseMs, instance } = record;
  const end = removed ? (presumed ? "presumed gone" : "gone") : "lives";
  const text = new TextDecoder().decode(instance);
  return `${nameOf(keyText, record)} ${version.incarnation}.${version.counter} ${end} by ${session} ${leaseMs} "${text}"`;
}

/** Every claim, tombstones too. */
export function allIn(content: SlotContent): string[] {
  return [...content.claims()].map((claim) => textOf(claim.service.keyText, recordOfClaim(claim))).toSorted();
}

export function liveIn(content: SlotContent): string[] {
  return allIn(content).filter((text) => text.includes(" lives by "));
}

/** What is shown of each service that shows anything. */
export function shownIn(content: SlotContent): Record<string, readonly string[]> {
  const services = [...content.services()].filter(({ datum }) => datum.size > 0);
  return Object.fromEntries(
    services.map(({ keyText, datum }) => [
      keyText,
      [...datum.instances()].map(({ bytes }) => new TextDecoder().decode(bytes)).toSorted(),
    ]),
  );
}

export function versionsIn(content: SlotContent): Record<string, string> {
  return Object.fromEntries(
    [...content.services()].map(({ keyText, datum }) => [keyText, formatVersion(datum.version)]),
  );
}

// Sums, made from nothing but the claims -------------------------------------------------------------------------------

/** Over the registrations alone. */
export function sumOf(claims: Iterable<Claim>): Digest {
  let sum = EMPTY_DIGEST;
  for (const claim of claims) {
    const content = digestOfBytes(recordOfClaim(claim).instance);
    sum = toggleDigest(sum, digestOfRegistration(textFromServiceKey(claim.service.key), claim, content));
  }
  return sum;
}

/** Over who holds what. */
export function sumBySession(claims: Iterable<Claim>): Digest {
  const live = [...claims].filter(({ removed }) => !removed);
  let sum = EMPTY_DIGEST;
  for (const [session, held] of Map.groupBy(live, (claim) => claim.session))
    sum = toggleDigest(sum, mixDigests(digestOfText(session), sumOf(held)));
  return sum;
}

export function connectionsOf(claims: Iterable<Claim>, session: string): Claim[] {
  return [...claims].filter((claim) => claim.session === session && claim.leaseMs === 0 && !claim.removed);
}

// Copying ----------------------------------------------------------------------------------------------------------------

/** Brings a follower up by the leader's log, in pieces of the given sizes; false when the log does not reach back. */
export function catchUp(leader: SlotContent, follower: SlotContent, pieces: readonly number[]): boolean {
  for (let turn = 0; ; turn++) {
    const news = leader.changedSince(follower.version, pieces[turn % pieces.length]!);
    if (news === undefined) return false;
    follower.take(news.services, news.version);
    if (formatVersion(follower.version) === formatVersion(leader.version)) return true;
  }
}

/** Brings a follower up by all that the leader has, in ranges that end at the given ids. */
export function copyAll(leader: SlotContent, follower: SlotContent, ends: readonly string[]): void {
  const keys = [...leader.services(), ...follower.services()].map(({ key }) => key);
  const bounds = [...ends].toSorted();
  for (const key of keys) {
    const claims = leader.claimsOf(key);
    for (let index = 0; index <= bounds.length; index++) {
      const [after, upTo] = [bounds[index - 1] ?? "", bounds[index] ?? ""];
      const inRange = claims.filter(({ instanceId: id }) => id > after && (upTo === "" || id <= upTo));
      follower.replace({ key, claims: inRange }, { after, upTo });
    }
  }
  follower.take([], leader.version);
}
