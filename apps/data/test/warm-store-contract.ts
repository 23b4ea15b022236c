/** What every WarmStore promises, run against each of them. */

import { ALL_SLOTS } from "@rollcall/core";
import { afterEach, describe, expect, test } from "vitest";
import type { WarmStore } from "../src/warm/warm-store.ts";
import {
  CLUSTER,
  claimOf,
  deletesOf,
  linesOf,
  loadAll,
  putsOf,
  servicesIn,
  slotWrite,
  wholeWrite,
  stored,
  versionAt,
} from "./warm-fixture.ts";

/** What outlives a node: opened by each of its lives. */
export interface WarmDisk {
  open(): Promise<WarmStore>;
}

const ORDERS = "default/default/orders";
const BILLS = "acme/blue/com.acme.Bills:1.0@x";

/** @param fresh a disk on which nothing is, and that is gone after the test */
export function describeWarmStore(name: string, fresh: () => WarmDisk): void {
  describe(`${name} keeps the contract of a warm store`, () => {
    const opened: WarmStore[] = [];
    const open = async (disk: WarmDisk): Promise<WarmStore> => {
      const store = await disk.open();
      opened.push(store);
      return store;
    };
    /** The next life of the node reads what the one before left. */
    const restart = async (disk: WarmDisk) => {
      for (const store of opened.splice(0)) await store.close();
      return loadAll(await open(disk));
    };
    afterEach(async () => {
      for (const store of opened.splice(0)) await store.close();
    });

    test("nothing is there before anything was written", async () => {
      const { claims, report } = await loadAll(await open(fresh()));
      expect(claims).toEqual([]);
      expect(report).toEqual({ clusterId: undefined, claims: 0, damaged: 0, versions: new Map(), problem: undefined });
    });

    test("what was written is there for the next life, every field of it", async () => {
      const disk = fresh();
      const all = [
        stored(ORDERS, claimOf("a")),
        stored(ORDERS, claimOf("a", 2, { clientId: "client-2", leaseMs: 600_000, session: "session-9@12" })),
        stored(ORDERS, claimOf("b", 9, { removed: true, instance: new Uint8Array(0) })),
        stored(BILLS, claimOf("c", 3, { removed: true, presumed: true, instance: new Uint8Array(0) })),
        stored(BILLS, claimOf("d".repeat(128), Number.MAX_SAFE_INTEGER, { instance: new Uint8Array(32_768).fill(7) })),
      ];
      await (await open(disk)).write(putsOf(all, versionAt(5)));
      const { claims, report } = await restart(disk);
      expect(linesOf(claims)).toEqual(linesOf(all));
      expect(claims.find(({ keyText }) => keyText === BILLS)!.key).toEqual({
        namespace: "acme",
        group: "blue",
        service: "com.acme.Bills:1.0@x",
      });
      expect(report).toMatchObject({ clusterId: CLUSTER, claims: 5, damaged: 0, problem: undefined });
      expect(report.versions).toEqual(new Map(all.map(({ slot }) => [slot, versionAt(5)])));
    });

    test("a later put replaces, a delete takes away, and deleting what is not there is nothing", async () => {
      const disk = fresh();
      const store = await open(disk);
      const [a, b, c] = ["a", "b", "c"].map((id) => stored(ORDERS, claimOf(id)));
      const newer = stored(ORDERS, claimOf("a", 2));
      await store.write(putsOf([a!, b!]));
      await store.write(putsOf([newer]));
      await store.write(deletesOf([b!, c!]));
      expect(linesOf((await restart(disk)).claims)).toEqual(linesOf([newer]));
    });

    test("a version stays until a write brings another", async () => {
      const disk = fresh();
      const store = await open(disk);
      const claim = stored(ORDERS, claimOf("a"));
      await store.write(putsOf([claim]));
      await store.write(putsOf([claim], versionAt(5)));
      await store.write(putsOf([claim]));
      expect((await restart(disk)).report.versions).toEqual(new Map([[claim.slot, versionAt(5)]]));
    });

    test("an emptied slot loses all it had, and its neighbours nothing", async () => {
      const disk = fresh();
      const store = await open(disk);
      const all = ALL_SLOTS.flatMap((slot) => servicesIn(slot, 1)).map((keyText) => stored(keyText, claimOf("a")));
      await store.write(putsOf(all, versionAt(1)));
      const emptied = [0, 7, 255];
      const slots = ALL_SLOTS.filter((slot) => emptied.includes(slot)).map((slot) => wholeWrite(slot));
      await store.write({ clusterId: CLUSTER, slots });
      const { claims, report } = await restart(disk);
      expect(linesOf(claims)).toEqual(linesOf(all.filter(({ slot }) => !emptied.includes(slot))));
      expect([...report.versions.keys()].toSorted((a, b) => a - b)).toEqual(
        ALL_SLOTS.filter((slot) => !emptied.includes(slot)),
      );
    });

    test("a slot may be emptied and filled in one write", async () => {
      const disk = fresh();
      const store = await open(disk);
      const [old, kept, added] = ["old", "kept", "added"].map((id) => stored(ORDERS, claimOf(id)));
      await store.write(putsOf([old!, kept!], versionAt(9)));
      const newer = [stored(ORDERS, claimOf("kept", 2)), added!];
      const { slot } = old!;
      await store.write({ clusterId: CLUSTER, slots: [wholeWrite(slot, { puts: newer })] });
      const { claims, report } = await restart(disk);
      expect(linesOf(claims)).toEqual(linesOf(newer));
      expect(report.versions.size).toBe(0);
    });

    test("a slot that is written as a whole in several writes keeps what it had until the last", async () => {
      const disk = fresh();
      const store = await open(disk);
      const [gone, kept, added, other] = ["gone", "kept", "added", "other"].map((id) => stored(ORDERS, claimOf(id)));
      await store.write(putsOf([gone!, kept!], versionAt(1)));
      await store.write(putsOf([stored(BILLS, claimOf("b"))], versionAt(1)));
      const { slot } = gone!;
      const newer = stored(ORDERS, claimOf("kept", 2));
      await store.write({ clusterId: CLUSTER, slots: [slotWrite(slot, { begins: true, puts: [newer] })] });
      await store.write({ clusterId: CLUSTER, slots: [slotWrite(slot, { puts: [added!] })] });
      // A life that ends here leaves what was there before, with what came since as changes of it.
      const half = await restart(disk);
      const bills = stored(BILLS, claimOf("b"));
      expect(linesOf(half.claims)).toEqual(linesOf([gone!, newer, added!, bills]));
      expect(half.report.versions.get(slot)).toEqual(versionAt(1));
      await opened[0]!.write({ clusterId: CLUSTER, slots: [slotWrite(slot, { begins: true, puts: [newer] })] });
      const last = slotWrite(slot, { ends: true, puts: [other!], version: versionAt(2) });
      await opened[0]!.write({ clusterId: CLUSTER, slots: [last] });
      const { claims, report } = await restart(disk);
      expect(linesOf(claims)).toEqual(linesOf([newer, other!, bills]));
      expect(report.versions).toEqual(
        new Map([
          [slot, versionAt(2)],
          [bills.slot, versionAt(1)],
        ]),
      );
    });

    test("tells what it keeps of a slot, also in its next life, and less once that is written as a whole", async () => {
      const disk = fresh();
      const store = await open(disk);
      const claim = stored(ORDERS, claimOf("a"));
      const { slot } = claim;
      expect(store.bytesOf(slot)).toBe(0);
      await store.write(putsOf([claim]));
      const one = store.bytesOf(slot);
      expect(one).toBeGreaterThan(claim.claim.instance.length);
      for (let counter = 2; counter <= 10; counter++)
        await store.write(putsOf([stored(ORDERS, claimOf("a", counter))]));
      expect(store.bytesOf(slot)).toBeGreaterThanOrEqual(10 * one);
      await restart(disk);
      expect(opened[0]!.bytesOf(slot)).toBeGreaterThanOrEqual(10 * one);
      await opened[0]!.write({ clusterId: CLUSTER, slots: [wholeWrite(slot, { puts: [claim] })] });
      expect(opened[0]!.bytesOf(slot)).toBeLessThan(2 * one);
      await opened[0]!.write({ clusterId: CLUSTER, slots: [wholeWrite(slot)] });
      expect(opened[0]!.bytesOf(slot)).toBe(0);
      expect((await restart(disk)).claims).toEqual([]);
    });

    test("many claims in one slot are all read, also of several services", async () => {
      const disk = fresh();
      const store = await open(disk);
      const { slot } = stored(ORDERS, claimOf("a"));
      const all = servicesIn(slot, 3).flatMap((keyText) =>
        Array.from({ length: 900 }, (_, n) => stored(keyText, claimOf(`i-${n}`))),
      );
      await store.write(putsOf(all));
      expect(linesOf((await restart(disk)).claims)).toEqual(linesOf(all));
    });

    test("content of another cluster is not mixed with ours", async () => {
      const disk = fresh();
      const ours = stored(BILLS, claimOf("ours"));
      await (await open(disk)).write(putsOf([stored(ORDERS, claimOf("theirs"))], versionAt(1)));
      expect((await restart(disk)).report.clusterId).toBe(CLUSTER);
      await opened[0]!.write({ ...putsOf([ours]), clusterId: "decaf" });
      const { claims, report } = await restart(disk);
      expect(linesOf(claims)).toEqual(linesOf([ours]));
      expect(report).toMatchObject({ clusterId: "decaf", problem: undefined });
    });

    test("closing twice is closing, and then nothing is written", async () => {
      const disk = fresh();
      const store = await open(disk);
      await store.close();
      await expect(store.close()).resolves.toBeUndefined();
      await expect(store.write(putsOf([stored(ORDERS, claimOf("a"))]))).rejects.toMatchObject({ reason: "closed" });
      expect((await restart(disk)).claims).toEqual([]);
    });

    test("what the taker throws is thrown", async () => {
      const disk = fresh();
      const store = await open(disk);
      await store.write(putsOf([stored(ORDERS, claimOf("a"))]));
      await store.close();
      const next = await open(disk);
      const loading = Promise.resolve().then(() =>
        next.load(() => {
          throw new Error("no thanks");
        }),
      );
      await expect(loading).rejects.toThrow("no thanks");
    });
  });
}
