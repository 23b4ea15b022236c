import {
  digestOfBytes,
  epoch,
  formatDigest,
  instanceFromInput,
  silentLog,
  type ProbeInput,
  type RegistrationVersion,
} from "@rollcall/core";
import { bytesFromInstance, instanceBytesWith, instanceFromBytes, probeFromBytes } from "@rollcall/protocol";
import { SeededRandom, SimClock } from "@rollcall/testing";
import { describe, expect, test } from "vitest";

import { recordOfClaim, type Claim } from "../src/datums/claim.ts";
import { DatumStore } from "../src/datums/datum-store.ts";
import { Overrides } from "../src/overrides/overrides.ts";
import { ASKING_MAX } from "../src/probes/probe-turns.ts";
import type { ProbeOutcome } from "../src/probes/prober.ts";
import { Probes } from "../src/probes/probes.ts";
import { KEYS, SLOT } from "./slot-fixture.ts";

const ORDERS = KEYS[0]!;
const EVERY_SECOND: ProbeInput = { kind: "tcp", intervalMs: 1_000, timeoutMs: 500 };
const ANSWER_MS = 5;

/** A leader of one slot whose probes are answered as the test says: by instance id, `passed` when nothing is said. */
class World {
  readonly clock = new SimClock();
  readonly nodeClock = this.clock.nodeClock();
  readonly answers = new Map<string, ProbeOutcome["kind"]>();
  /** When which was asked. */
  readonly asked: { readonly id: string; readonly at: number }[] = [];
  asking = 0;
  askingMost = 0;
  isCutOff = false;
  readonly judgements: string[] = [];
  readonly datums: DatumStore;
  readonly probes: Probes;
  #counter = 0;

  constructor() {
    const overrides = new Overrides({ addressOf: () => "", withChanges: instanceBytesWith });
    this.datums = new DatumStore(
      { changed: (claim) => this.probes.changed(claim), discarded: (claim) => this.probes.discarded(claim) },
      overrides,
    );
    this.probes = new Probes(this.datums, {
      clock: this.nodeClock,
      random: new SeededRandom(1),
      log: silentLog,
      prober: { probe: ({ address }, answered) => this.#probe(address.split(":")[0]!, answered) },
      orderOf: probeFromBytes,
      leads: () => true,
      isCutOff: () => this.isCutOff,
      judged: (claim, unhealthy, why) => this.#judged(claim, unhealthy, why),
    });
    this.datums.lead(SLOT, epoch(1));
    this.#sweep();
  }

  #sweep(): void {
    this.probes.sweep(this.nodeClock.now());
    this.nodeClock.setTimer(250, () => this.#sweep());
  }

  #probe(id: string, answered: (outcome: ProbeOutcome) => void): () => void {
    this.asked.push({ id, at: this.clock.now() });
    this.askingMost = Math.max(this.askingMost, ++this.asking);
    const kind = this.answers.get(id) ?? "passed";
    const done = (): void => {
      this.asking--;
      answered(kind === "passed" ? { kind } : { kind, why: `it ${kind}` });
    };
    const timer = this.nodeClock.setTimer(ANSWER_MS, done);
    return () => {
      timer.cancel();
      this.asking--;
    };
  }

  #judged(claim: Claim, unhealthy: boolean, why: string): void {
    this.judgements.push(`${claim.instanceId} ${unhealthy ? "unhealthy" : "healthy"}: ${why}`);
    claim.service.judge(claim, unhealthy);
  }

  register(id: string, probe: ProbeInput | "none" = EVERY_SECOND, version?: RegistrationVersion): Claim {
    const instance = bytesFromInstance(
      instanceFromInput({ id, address: `${id}:80`, ...(probe !== "none" && { probe }) }, () => id),
    );
    const service = this.datums.obtain(ORDERS);
    const who = { instanceId: id, clientId: `client-${id}`, key: ORDERS, leaderEpoch: epoch(1), leaseMs: 0 };
    const write = { ...who, kind: "register", instance, version: version ?? this.next() } as const;
    const outcome = service.merge(write, "s#1");
    if (outcome.kind !== "merged") throw new Error("it is news");
    return outcome.claim;
  }

  next(): RegistrationVersion {
    return { incarnation: 1, counter: ++this.#counter };
  }

  fail(...ids: string[]): void {
    for (const id of ids) this.answers.set(id, "failed");
  }

  run(ms: number): Promise<unknown> {
    return this.clock.runFor(ms);
  }

  /** Ids of the instances that are shown as unhealthy. */
  unhealthy(): string[] {
    const instances = [...(this.datums.find(ORDERS)?.datum.instances() ?? [])];
    return instances.filter(({ bytes }) => instanceFromBytes(bytes).health === "unhealthy").map(({ id }) => id);
  }
}

const ids = (count: number): string[] => Array.from({ length: count }, (_, index) => `i${index}`);

describe("what probes make of instances", () => {
  test("one that fails is marked, and the mark goes when it passes again", async () => {
    const world = new World();
    world.register("a");
    world.register("b");
    await world.run(5_000);
    const before = world.datums.heldOf(ORDERS);
    world.fail("a");
    await world.run(5_000);
    expect(world.unhealthy()).toEqual(["a"]);
    world.answers.clear();
    await world.run(5_000);
    expect(world.unhealthy()).toEqual([]);
    expect(world.judgements).toEqual([
      "a unhealthy: its probe failed: it failed",
      "a healthy: it answers its probe again",
    ]);
    const after = world.datums.heldOf(ORDERS);
    expect(formatDigest(after.digest)).toBe(formatDigest(before.digest));
    expect(after.version.counter).toBe(before.version.counter + 2);
  });

  test("what is registered without a probe is asked nothing, and pays nothing", async () => {
    const world = new World();
    world.register("a", "none");
    await world.run(60_000);
    expect(world.probes.measured.targets).toBe(0);
    expect(world.asked).toEqual([]);
  });

  test("a registration that asks for no probe any more takes its mark along", async () => {
    const world = new World();
    world.register("a");
    world.fail("a");
    await world.run(6_000);
    expect(world.unhealthy()).toEqual(["a"]);
    world.register("a", "none");
    await world.run(500);
    expect(world.unhealthy()).toEqual([]);
  });

  test("one that comes again in another connection stays marked until it passes", async () => {
    const world = new World();
    world.register("a");
    world.fail("a");
    await world.run(6_000);
    world.register("a");
    expect(world.unhealthy()).toEqual(["a"]);
    world.answers.clear();
    await world.run(4_000);
    expect(world.unhealthy()).toEqual([]);
  });

  test("one whose address may not be probed stays what it is", async () => {
    const world = new World();
    world.register("a");
    world.answers.set("a", "refused");
    await world.run(60_000);
    expect(world.unhealthy()).toEqual([]);
    expect(world.probes.measured.refused).toBeGreaterThan(10);
    expect(world.probes.measured.failed).toBe(0);
  });

  test("one that is gone is asked no more", async () => {
    const world = new World();
    const claim = world.register("a");
    await world.run(5_000);
    claim.service.end(claim, false);
    await world.run(1_000);
    const asked = world.asked.length;
    await world.run(60_000);
    expect(world.asked.length).toBe(asked);
    expect(world.probes.measured.targets).toBe(0);
  });
});

describe("a node that leads next", () => {
  test("shows the marks of the one before, at the same digest, before it has asked anybody", async () => {
    const old = new World();
    old.register("a");
    old.register("b");
    old.fail("a");
    await old.run(10_000);
    expect(old.unhealthy()).toEqual(["a"]);

    const next = new World();
    const content = next.datums.open(SLOT);
    const claims = [...old.datums.claims()].map((claim) => recordOfClaim(claim));
    content.take([{ key: ORDERS, claims }], { epoch: epoch(1), counter: 50 });
    expect(formatDigest(content.digest)).toBe(formatDigest(old.datums.open(SLOT).digest));
    next.datums.lead(SLOT, epoch(2));
    next.probes.ownershipChanged({
      slot: SLOT,
      before: { kind: "following", leader: "data-0", leaderEpoch: epoch(1), synced: true },
      after: { kind: "leading", leaderEpoch: epoch(2) },
    });
    const held = old.datums.heldOf(ORDERS);
    expect(next.unhealthy()).toEqual(["a"]);
    expect(formatDigest(next.datums.heldOf(ORDERS).digest)).toBe(formatDigest(held.digest));
    next.fail("a");
    await next.run(60_000);
    // Neither did it take the mark away nor did it make one: nobody was told anything.
    expect(next.judgements).toEqual([]);
    expect(formatDigest(next.datums.heldOf(ORDERS).digest)).toBe(formatDigest(held.digest));
  });

  test("a mark is part of what leader and follower compare", async () => {
    const world = new World();
    world.register("a");
    world.register("b");
    const before = formatDigest(world.datums.open(SLOT).digest);
    world.fail("a");
    await world.run(10_000);
    expect(formatDigest(world.datums.open(SLOT).digest)).not.toBe(before);
  });

  test("what the session holds is the same with a mark and without", async () => {
    const world = new World();
    const claim = world.register("a");
    const content = world.datums.open(SLOT);
    const before = formatDigest(content.digestOfSession("s#1"));
    const registered = formatDigest(digestOfBytes(claim.bytes));
    world.fail("a");
    await world.run(10_000);
    expect(world.unhealthy()).toEqual(["a"]);
    expect(formatDigest(content.digestOfSession("s#1"))).toBe(before);
    expect(formatDigest(digestOfBytes(claim.bytes))).toBe(registered);
  });
});

describe("a node whose own network is sick", () => {
  test("marks nobody when all fail at once, however long", async () => {
    const world = new World();
    for (const id of ids(20)) world.register(id);
    await world.run(5_000);
    world.fail(...ids(20));
    await world.run(600_000);
    expect(world.unhealthy()).toEqual([]);
    expect(world.probes.measured).toMatchObject({ held: 20, episodes: 1 });
    world.answers.clear();
    await world.run(10_000);
    expect(world.judgements).toEqual([]);
    expect(world.probes.measured.held).toBe(0);
  });

  test("marks nobody when the one that is asked often fails first: it asks others before it believes that", async () => {
    const world = new World();
    const rarely: ProbeInput = { kind: "tcp", intervalMs: 600_000, timeoutMs: 500 };
    world.register("often");
    for (const id of ids(20)) world.register(id, rarely);
    await world.run(600_000);
    world.fail("often", ...ids(20));
    await world.run(60_000);
    expect(world.unhealthy()).toEqual([]);
  });

  test("asks others at once, so that one that has really gone is marked without waiting for their turns", async () => {
    const world = new World();
    const rarely: ProbeInput = { kind: "tcp", intervalMs: 600_000, timeoutMs: 500 };
    world.register("often");
    for (const id of ids(20)) world.register(id, rarely);
    await world.run(600_000);
    world.fail("often");
    await world.run(5_000);
    expect(world.unhealthy()).toEqual(["often"]);
  });

  test("marks what fails after a minute in which others passed", async () => {
    const world = new World();
    for (const id of ids(10)) world.register(id);
    await world.run(5_000);
    world.fail(...ids(6));
    await world.run(30_000);
    expect(world.unhealthy()).toEqual([]);
    await world.run(40_000);
    expect(world.unhealthy().toSorted()).toEqual(ids(6));
  });

  test("marks nobody while it seems to be cut off", async () => {
    const world = new World();
    world.register("a");
    world.isCutOff = true;
    world.fail("a");
    await world.run(60_000);
    expect(world.unhealthy()).toEqual([]);
  });

  test("hears nothing of what was answered while it stood still", async () => {
    const world = new World();
    for (const id of ids(2)) world.register(id, { ...EVERY_SECOND, failures: 1, window: 1 });
    await world.run(5_000);
    world.fail(...ids(2));
    world.nodeClock.pause();
    await world.run(120_000);
    world.answers.clear();
    world.nodeClock.resume();
    await world.run(5_000);
    expect(world.judgements).toEqual([]);
  });
});

describe("whose turn it is", () => {
  test("no more than so many are asked at a time, and all of them in the end", async () => {
    const world = new World();
    for (const id of ids(1_000)) world.register(id, { kind: "tcp" });
    await world.run(20_000);
    expect(world.askingMost).toBeLessThanOrEqual(ASKING_MAX);
    expect(new Set(world.asked.map(({ id }) => id)).size).toBe(1_000);
  });

  test("many that come at once are not asked at one moment", async () => {
    const world = new World();
    for (const id of ids(1_000)) world.register(id, { kind: "tcp", intervalMs: 10_000 });
    await world.run(10_500);
    const bySecond = new Map<number, number>();
    for (const { at } of world.asked)
      bySecond.set(Math.floor(at / 1_000), (bySecond.get(Math.floor(at / 1_000)) ?? 0) + 1);
    expect(Math.max(...bySecond.values())).toBeLessThan(150);
  });
});
