import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { silentLog } from "@rollcall/core";
import { SimClock } from "@rollcall/testing";
import { afterAll, describe, expect, test } from "vitest";
import { LevelWarmStore } from "../src/peers/level-warm-store.ts";
import { MemoryWarmDisk } from "../src/warm/memory-warm-store.ts";
import { claimOf, linesOf, loadAll, putsOf, stored } from "./warm-fixture.ts";
import { describeWarmStore, type WarmDisk } from "./warm-store-contract.ts";

const folders: string[] = [];
afterAll(() => {
  for (const made of folders) rmSync(made, { recursive: true, force: true });
});

function levelDisk(): WarmDisk {
  const made = mkdtempSync(join(tmpdir(), "rollcall-warm-"));
  folders.push(made);
  return { open: () => LevelWarmStore.open(join(made, "warm"), silentLog) };
}

function memoryDisk(): WarmDisk {
  const disk = new MemoryWarmDisk();
  return { open: () => Promise.resolve(disk.open()) };
}

describeWarmStore("MemoryWarmDisk", memoryDisk);
describeWarmStore("LevelWarmStore", levelDisk);

describe("a simulated disk", () => {
  const first = stored("default/default/orders", claimOf("first"));
  const second = stored("default/default/orders", claimOf("second"));

  test("loses with a crash what was on its way, and no more", async () => {
    const clock = new SimClock();
    const disk = new MemoryWarmDisk({ clock, writeMs: 5 });
    const store = disk.open();
    const writing = store.write(putsOf([first]));
    await clock.runFor(5);
    await writing;
    let answered = false;
    void store.write(putsOf([second])).finally(() => (answered = true));
    await clock.runFor(4);
    disk.crash();
    const next = disk.open();
    await clock.runFor(100);
    expect(answered).toBe(false);
    expect(linesOf((await loadAll(next)).claims)).toEqual(linesOf([first]));
  });

  test("is not reached by what a dead node still wants to write", async () => {
    const disk = new MemoryWarmDisk();
    const dead = disk.open();
    disk.crash();
    let answered = false;
    void dead.write(putsOf([first])).finally(() => (answered = true));
    expect((await loadAll(disk.open())).claims).toEqual([]);
    expect(answered).toBe(false);
  });

  test("fails when told to, and not any more when mended", async () => {
    const disk = new MemoryWarmDisk();
    const store = disk.open();
    disk.fail("No space left on device");
    await expect(store.write(putsOf([first]))).rejects.toMatchObject({
      reason: "unavailable",
      message: "No space left on device",
    });
    disk.mend();
    await store.write(putsOf([second]));
    await store.close();
    expect(linesOf((await loadAll(disk.open())).claims)).toEqual(linesOf([second]));
  });
});
