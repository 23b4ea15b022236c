import { silentLog, type SlotId } from "@rollcall/core";
import { SimClock } from "@rollcall/testing";
import { describe, expect, test } from "vitest";
import { MemoryWarmDisk } from "../src/warm/memory-warm-store.ts";
import { WarmCopy } from "../src/warm/warm-copy.ts";
import { BATCH_BYTES_MAX, BATCH_MAX } from "../src/warm/warm-plan.ts";
import type { StoredClaim, WarmBatch, WarmStore } from "../src/warm/warm-store.ts";
import {
  CLUSTER,
  HeldContent,
  claimOf,
  keptLog,
  linesOf,
  loadAll,
  servicesIn,
  stored,
  versionAt,
} from "./warm-fixture.ts";

const LAG_MS = 200;
const RETRY_MS = 10_000;
const FLUSH_MS = 2_000;
const ORDERS = "default/default/orders";
const BILLS = "default/default/bills";
const orders = (id: string, counter = 1): StoredClaim => stored(ORDERS, claimOf(id, counter));
const { slot: ORDERS_SLOT } = orders("any");

/** A node with a copy, whose disk outlives it. */
class Life {
  readonly held = new HeldContent();
  readonly log = keptLog();
  readonly batches: { readonly at: number; readonly batch: WarmBatch }[] = [];
  readonly store: WarmStore;
  readonly copy: WarmCopy;
  readonly #clock: SimClock;

  constructor(clock: SimClock, disk: MemoryWarmDisk) {
    this.#clock = clock;
    const store = disk.open();
    this.store = {
      load: (take) => store.load(take),
      write: (batch) => {
        this.batches.push({ at: clock.now(), batch });
        return store.write(batch);
      },
      bytesOf: (slot) => store.bytesOf(slot),
      close: () => store.close(),
    };
    this.copy = new WarmCopy(this.store, this.held, { clock, log: this.log });
  }

  put(...claims: StoredClaim[]): void {
    for (const claim of claims) this.copy.changed(this.held.put(claim));
  }

  delete(...claims: StoredClaim[]): void {
    for (const claim of claims) this.copy.changed(this.held.delete(claim));
  }

  get puts(): string[] {
    return this.batches.flatMap(({ batch }) =>
      batch.slots.flatMap(({ puts }) => puts.map(({ claim }) => claim.instanceId)),
    );
  }

  get errors(): number {
    return this.log.lines.filter(({ level }) => level === "error").length;
  }

  /** Ready to write, with what that takes behind it. */
  async begun(): Promise<this> {
    await this.copy.load(() => {});
    this.copy.start(CLUSTER);
    await this.#clock.runFor(LAG_MS + 50);
    this.batches.length = 0;
    return this;
  }
}

async function start({ writeMs = 0 } = {}) {
  const clock = new SimClock();
  const disk = new MemoryWarmDisk({ clock, writeMs });
  const life = await new Life(clock, disk).begun();
  /** What a node that starts now would find. */
  const onDisk = async () => loadAll(disk.open());
  return { clock, disk, life, onDisk };
}

describe("what changes", () => {
  test("is on disk a moment later, in one batch", async () => {
    const { clock, life, onDisk } = await start();
    life.put(orders("a"));
    await clock.runFor(50);
    life.put(orders("b"), stored(BILLS, claimOf("c")));
    await clock.runFor(LAG_MS - 51);
    expect(life.batches).toHaveLength(0);
    await clock.runFor(1);
    expect(life.batches).toHaveLength(1);
    expect(life.copy.counts).toMatchObject({ claims: 3, failures: 0 });
    const { claims, report } = await onDisk();
    expect(linesOf(claims)).toEqual(linesOf(life.held.claims()));
    expect(report.versions).toEqual(life.held.versions);
  });

  test("many times is written once, as it is by then", async () => {
    const { clock, life, onDisk } = await start();
    for (let counter = 1; counter <= 50; counter++) life.put(orders("a", counter));
    await clock.runFor(LAG_MS);
    expect(life.puts).toEqual(["a"]);
    expect(linesOf((await onDisk()).claims)).toEqual(linesOf([orders("a", 50)]));
  });

  test("by being forgotten is gone from the disk", async () => {
    const { clock, life, onDisk } = await start();
    life.put(orders("a"), orders("b"));
    await clock.runFor(LAG_MS);
    life.delete(orders("a"));
    await clock.runFor(LAG_MS);
    expect(linesOf((await onDisk()).claims)).toEqual(linesOf([orders("b")]));
  });

  test("by being forgotten and made anew is there, in whatever order that is said", async () => {
    const { clock, life, onDisk } = await start();
    life.put(orders("a"));
    await clock.runFor(LAG_MS);
    const gone = life.held.delete(orders("a"));
    life.put(orders("a", 2));
    life.copy.changed(gone);
    await clock.runFor(LAG_MS);
    expect(linesOf((await onDisk()).claims)).toEqual(linesOf([orders("a", 2)]));
  });

  test("while a batch is on its way is written after it, and nothing is written side by side", async () => {
    const { clock, life, onDisk } = await start({ writeMs: 1_000 });
    await clock.runFor(1_000);
    life.put(orders("a"));
    await clock.runFor(LAG_MS + 500);
    life.put(orders("a", 2));
    await clock.runFor(499);
    expect(life.batches).toHaveLength(1);
    await clock.runFor(1);
    expect(life.batches).toHaveLength(2);
    await clock.runFor(1_000);
    expect(linesOf((await onDisk()).claims)).toEqual(linesOf([orders("a", 2)]));
  });

  test("does not write when nothing does", async () => {
    const { clock, life } = await start();
    await clock.runFor(60_000);
    expect(life.batches).toHaveLength(0);
    expect(life.copy.lagMs).toBe(0);
  });
});

describe("much at once", () => {
  test("is cut into batches, one right after the other", async () => {
    const { clock, life, onDisk } = await start({ writeMs: 3 });
    const count = 2 * BATCH_MAX + 1;
    life.put(...Array.from({ length: count }, (_, n) => orders(`i-${n}`)));
    await clock.runFor(LAG_MS + 9);
    expect(life.batches.map(({ batch }) => batch.slots[0]!.puts.length)).toEqual([BATCH_MAX, BATCH_MAX, 1]);
    expect(life.batches[2]!.at - life.batches[0]!.at).toBe(6);
    // The version tells that nothing older is missing: it comes last.
    expect(life.batches.map(({ batch }) => batch.slots[0]!.version)).toEqual([undefined, undefined, versionAt(count)]);
    expect((await onDisk()).claims).toHaveLength(count);
  });

  test("of large instances makes smaller batches", async () => {
    const { clock, life } = await start();
    const instance = new Uint8Array(32_000);
    const perBatch = Math.ceil(BATCH_BYTES_MAX / instance.length);
    life.put(...Array.from({ length: perBatch + 1 }, (_, n) => stored(ORDERS, claimOf(`i-${n}`, 1, { instance }))));
    await clock.runFor(LAG_MS);
    expect(life.batches.map(({ batch }) => batch.slots[0]!.puts.length)).toEqual([perBatch, 1]);
  });

  test("does not keep a small change waiting longer than the disk takes for one round", async () => {
    const { clock, life } = await start({ writeMs: 5 });
    let smallAt = 0;
    // Twenty batches each second, without an end, and among them one claim of another slot.
    for (let ms = 0; ms < 3_000; ms += 50) {
      life.put(...Array.from({ length: BATCH_MAX }, (_, n) => orders(`i-${n}`, ms)));
      if (ms === 1_000) {
        life.put(stored(BILLS, claimOf("small")));
        smallAt = clock.now();
      }
      await clock.runFor(50);
      expect(life.copy.lagMs).toBeLessThanOrEqual(2 * LAG_MS);
    }
    const written = life.batches.find(({ batch }) =>
      batch.slots.some(({ puts }) => puts.some(({ claim }) => claim.instanceId === "small")),
    );
    expect(written!.at - smallAt).toBeLessThanOrEqual(2 * LAG_MS);
  });

  test("in one slot is written as a whole, so that marks stay few", async () => {
    const { clock, life, onDisk } = await start();
    const all = Array.from({ length: 10_001 }, (_, n) => orders(`i-${n}`));
    life.put(...all);
    await clock.runFor(LAG_MS + 100);
    expect(life.batches[0]!.batch.slots[0]!.begins).toBe(true);
    expect((await onDisk()).claims).toHaveLength(10_001);
  });
});

describe("what is out of date", () => {
  const instance = new Uint8Array(10_000);
  const large = (counter: number): StoredClaim => stored(ORDERS, claimOf("a", counter, { instance }));

  test("stays bounded, for the slot is written as a whole from time to time", async () => {
    const { clock, life, onDisk } = await start();
    let wholes = 0;
    for (let counter = 1; counter <= 200; counter++) {
      life.put(large(counter));
      await clock.runFor(LAG_MS);
      expect(life.store.bytesOf(ORDERS_SLOT)).toBeLessThan(120_000);
    }
    for (const { batch } of life.batches) wholes += batch.slots.filter(({ begins }) => begins).length;
    expect(wholes).toBeGreaterThan(10);
    expect(wholes).toBeLessThan(40);
    await clock.runFor(LAG_MS);
    expect(linesOf((await onDisk()).claims)).toEqual(linesOf([large(200)]));
  });

  test("is also what was left by claims that are no more", async () => {
    const { clock, life } = await start();
    const all = Array.from({ length: 20 }, (_, n) => stored(ORDERS, claimOf(`i-${n}`, 1, { instance })));
    life.put(...all);
    await clock.runFor(2 * LAG_MS);
    expect(life.batches).toHaveLength(1);
    life.delete(...all);
    await clock.runFor(2 * LAG_MS);
    expect(life.store.bytesOf(ORDERS_SLOT)).toBe(0);
  });
});

describe("a slot", () => {
  const others = servicesIn(ORDERS_SLOT, 2, "neighbour").map((keyText) => stored(keyText, claimOf("n")));

  test("that is dropped is gone from the disk, with its version", async () => {
    const { clock, life, onDisk } = await start();
    life.put(orders("a"), ...others, stored(BILLS, claimOf("b")));
    await clock.runFor(LAG_MS);
    life.held.dropSlot(ORDERS_SLOT);
    life.copy.slotChanged(ORDERS_SLOT);
    await clock.runFor(LAG_MS);
    const { claims, report } = await onDisk();
    expect(linesOf(claims)).toEqual(linesOf([stored(BILLS, claimOf("b"))]));
    expect(report.versions.has(ORDERS_SLOT)).toBe(false);
  });

  test("that comes back with other content at once has that on disk, and nothing of before", async () => {
    const { clock, life, onDisk } = await start();
    life.put(orders("a"), ...others);
    await clock.runFor(LAG_MS);
    life.put(orders("late"));
    life.held.dropSlot(ORDERS_SLOT);
    life.copy.slotChanged(ORDERS_SLOT);
    life.put(orders("new"));
    await clock.runFor(LAG_MS);
    expect(linesOf((await onDisk()).claims)).toEqual(linesOf([orders("new")]));
  });

  test("that is dropped while it is being written is gone in the end", async () => {
    const { clock, life, onDisk } = await start({ writeMs: 10 });
    life.put(...Array.from({ length: 3 * BATCH_MAX }, (_, n) => orders(`i-${n}`)));
    await clock.runFor(LAG_MS + 15);
    life.held.dropSlot(ORDERS_SLOT);
    life.copy.slotChanged(ORDERS_SLOT);
    await clock.runFor(2 * LAG_MS);
    const { claims, report } = await onDisk();
    expect(claims).toEqual([]);
    expect(report.versions.size).toBe(0);
  });
});

describe("the cluster", () => {
  test("has to be known before anything is written", async () => {
    const clock = new SimClock();
    const life = new Life(clock, new MemoryWarmDisk());
    await life.copy.load(() => {});
    life.put(orders("a"));
    await clock.runFor(60_000);
    expect(life.batches).toHaveLength(0);
    life.copy.start(CLUSTER);
    await clock.runFor(LAG_MS);
    expect(life.puts).toEqual(["a"]);
  });

  test("that is the same after a restart has its content loaded and left as it is", async () => {
    const { clock, disk, life } = await start();
    life.put(orders("a"));
    await clock.runFor(LAG_MS);
    const next = new Life(clock, disk);
    const report = await next.copy.load((claim) => void next.held.put(claim));
    expect(report.clusterId).toBe(CLUSTER);
    expect(linesOf(next.held.claims())).toEqual(linesOf([orders("a")]));
    next.copy.start(CLUSTER);
    await clock.runFor(60_000);
    expect(next.batches).toHaveLength(0);
  });

  test("that is another one begins with what is held now", async () => {
    const { clock, disk, life, onDisk } = await start();
    life.put(orders("a"));
    await clock.runFor(LAG_MS);
    const next = new Life(clock, disk);
    await next.copy.load(() => {});
    next.copy.start("decaf");
    next.put(stored(BILLS, claimOf("b")));
    await clock.runFor(LAG_MS);
    const { claims, report } = await onDisk();
    expect(report.clusterId).toBe("decaf");
    expect(linesOf(claims)).toEqual(linesOf([stored(BILLS, claimOf("b"))]));
  });
});

describe("a disk that fails", () => {
  test("is complained of once, tried every ten seconds, and has everything when it is mended", async () => {
    const { clock, disk, life, onDisk } = await start();
    life.put(orders("a"), orders("b"));
    await clock.runFor(LAG_MS);
    disk.fail("No space left on device");
    life.put(stored(BILLS, claimOf("c")));
    life.delete(orders("a"));
    await clock.runFor(LAG_MS);
    expect(life.copy.problem).toBe("No space left on device");
    expect(life.batches).toHaveLength(2);
    await clock.runFor(RETRY_MS - 1);
    expect(life.batches).toHaveLength(2);
    await clock.runFor(2 * RETRY_MS + 1);
    expect(life.batches).toHaveLength(5);
    expect(life.copy.counts.failures).toBe(4);
    expect(life.errors).toBe(1);
    expect(life.log.lines.find(({ level }) => level === "error")!.fields).toMatchObject({
      reason: "No space left on device",
    });
    expect(life.copy.lagMs).toBe(LAG_MS + 3 * RETRY_MS);

    life.put(orders("d"));
    disk.mend();
    await clock.runFor(RETRY_MS);
    expect(life.copy.problem).toBeUndefined();
    expect(life.copy.lagMs).toBe(0);
    expect(life.log.lines.at(-1)!.message).toBe("the warm copy is on disk again");
    const { claims, report } = await onDisk();
    expect(linesOf(claims)).toEqual(linesOf([orders("b"), orders("d"), stored(BILLS, claimOf("c"))]));
    expect(report.versions).toEqual(life.held.versions);
  });

  test("in the middle of a round leaves no half of it behind once it is mended", async () => {
    const { clock, disk, life, onDisk } = await start({ writeMs: 10 });
    life.put(...Array.from({ length: 3 * BATCH_MAX }, (_, n) => orders(`i-${n}`)));
    await clock.runFor(LAG_MS + 15);
    disk.fail("Input/output error");
    await clock.runFor(100);
    expect(life.copy.problem).toBe("Input/output error");
    life.held.dropSlot(ORDERS_SLOT);
    life.copy.slotChanged(ORDERS_SLOT);
    life.put(stored(BILLS, claimOf("c")));
    disk.mend();
    await clock.runFor(RETRY_MS);
    expect(linesOf((await onDisk()).claims)).toEqual(linesOf([stored(BILLS, claimOf("c"))]));
  });

  test("from the start does not keep the node from going on, and is written in full later", async () => {
    const clock = new SimClock();
    const disk = new MemoryWarmDisk();
    const good = disk.open();
    let usable = false;
    const store: WarmStore = {
      load: async () => ({ ...(await loadAll(good)).report, problem: "another process uses it" }),
      write: (batch) => (usable ? good.write(batch) : Promise.reject(new Error("another process uses it"))),
      bytesOf: (slot) => good.bytesOf(slot),
      close: () => good.close(),
    };
    const held = new HeldContent();
    const copy = new WarmCopy(store, held, { clock, log: silentLog });
    await copy.load(() => {});
    expect(copy.problem).toBe("another process uses it");
    held.put(orders("a"));
    copy.start(CLUSTER);
    await clock.runFor(RETRY_MS);
    usable = true;
    expect(copy.problem).toBe("another process uses it");
    await clock.runFor(RETRY_MS);
    expect(copy.problem).toBeUndefined();
    expect(linesOf((await loadAll(good)).claims)).toEqual(linesOf([orders("a")]));
  });
});

describe("an orderly stop", () => {
  test("writes what is waiting without waiting for more", async () => {
    const { clock, life, onDisk } = await start({ writeMs: 10 });
    life.put(orders("a"));
    await clock.runFor(5);
    let flushed = false;
    void life.copy.flush().then(() => (flushed = true));
    await clock.runFor(9);
    expect(flushed).toBe(false);
    await clock.runFor(1);
    expect(flushed).toBe(true);
    life.copy.stop();
    expect(linesOf((await onDisk()).claims)).toEqual(linesOf([orders("a")]));
  });

  test("also writes what changed during the batch that was on its way", async () => {
    const { clock, life, onDisk } = await start({ writeMs: 10 });
    life.put(orders("a"));
    await clock.runFor(LAG_MS + 5);
    life.put(orders("b"));
    let flushed = false;
    void life.copy.flush().then(() => (flushed = true));
    await clock.runFor(15);
    expect(flushed).toBe(true);
    expect(linesOf((await onDisk()).claims)).toEqual(linesOf([orders("a"), orders("b")]));
  });

  test("waits for a disk that hangs two seconds and no longer", async () => {
    const { clock, life } = await start({ writeMs: 60_000 });
    await clock.runFor(60_000);
    life.put(orders("a"));
    let flushed = false;
    void life.copy.flush().then(() => (flushed = true));
    await clock.runFor(FLUSH_MS - 1);
    expect(flushed).toBe(false);
    await clock.runFor(1);
    expect(flushed).toBe(true);
  });

  test.each(["clean", "failed", "stopped"] as const)("has nothing to wait for when the copy is %s", async (state) => {
    const { clock, disk, life } = await start();
    if (state === "failed") {
      disk.fail("Input/output error");
      life.put(orders("a"));
      await clock.runFor(LAG_MS);
    }
    if (state === "stopped") {
      life.put(orders("a"));
      life.copy.stop();
    }
    let flushed = false;
    void life.copy.flush().then(() => (flushed = true));
    await clock.runFor(0);
    expect(flushed).toBe(true);
  });

  test("writes nothing more afterwards, whatever state it was in", async () => {
    const { clock, disk, life } = await start({ writeMs: 10 });
    life.put(...Array.from({ length: 3 * BATCH_MAX }, (_, n) => orders(`i-${n}`)));
    await clock.runFor(LAG_MS + 5);
    life.copy.stop();
    life.put(orders("late"));
    await clock.runFor(60_000);
    expect(life.batches).toHaveLength(1);

    const failing = await new Life(clock, disk).begun();
    disk.fail("Input/output error");
    failing.put(orders("a"));
    await clock.runFor(LAG_MS + 10);
    failing.copy.stop();
    disk.mend();
    await clock.runFor(60_000);
    expect(failing.batches).toHaveLength(1);
  });
});

/** Any order of changes, drops, failures and crashes: what a start finds is what was held at some moment, a lag ago. */
describe("whatever happens", () => {
  test("all that is held is on disk once it is quiet", async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const clock = new SimClock();
      const disk = new MemoryWarmDisk({ clock, writeMs: 7 });
      const life = await new Life(clock, disk).begun();
      let state = seed;
      const draw = (below: number): number => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
        return (state >>> 8) % below;
      };
      const names = [ORDERS, BILLS, ...servicesIn(ORDERS_SLOT, 3, "neighbour")];
      for (let step = 0; step < 300; step++) {
        const claim = stored(names[draw(names.length)]!, claimOf(`i-${draw(20)}`, step));
        const kind = draw(20);
        if (kind < 12) life.put(claim);
        else if (kind < 17) life.delete(claim);
        else if (kind === 17) drop(life, claim.slot);
        else if (kind === 18) disk.fail("Input/output error");
        else disk.mend();
        await clock.runFor(draw(150));
      }
      disk.mend();
      await clock.runFor(2 * RETRY_MS);
      const { claims, report } = await loadAll(disk.open());
      expect(linesOf(claims), `seed ${seed}`).toEqual(linesOf(life.held.claims()));
      for (const [slot, version] of report.versions) expect(version).toEqual(life.held.versionOf(slot));
    }
  });
});

function drop(life: Life, slot: SlotId): void {
  life.held.dropSlot(slot);
  life.copy.slotChanged(slot);
}
