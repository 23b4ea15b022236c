import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ClassicLevel } from "classic-level";
import { afterEach, describe, expect, test } from "vitest";
import { HEADER_KEY, bytesFromHeader, headerFromBytes } from "../src/peers/level-warm-entries.ts";
import type { Level, Migration } from "../src/peers/level-warm-folder.ts";
import { LevelWarmStore } from "../src/peers/level-warm-store.ts";
import type { WarmStore } from "../src/warm/warm-store.ts";
import { FORMAT_1_CLAIMS, FORMAT_1_ENTRIES, FORMAT_1_VERSION } from "./warm-format-1.ts";
import { CLUSTER, claimOf, keptLog, linesOf, loadAll, putsOf, stored, versionAt, wholeWrite } from "./warm-fixture.ts";

const ORDERS = "default/default/orders";
const first = stored(ORDERS, claimOf("first"));
const second = stored(ORDERS, claimOf("second"));

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

function parentFolder(): string {
  const made = mkdtempSync(join(tmpdir(), "rollcall-warm-"));
  cleanUps.push(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

async function open(folder: string, log = keptLog(), migrations?: readonly Migration[]): Promise<WarmStore> {
  const store = await LevelWarmStore.open(folder, log, migrations && { migrations });
  cleanUps.push(() => store.close());
  return store;
}

/** A folder in which a store has written, and been closed. */
async function written(parent = parentFolder()): Promise<string> {
  const folder = join(parent, "warm");
  const store = await open(folder);
  await store.write(putsOf([first], versionAt(1)));
  await store.close();
  return folder;
}

/** The same, as if that had been in an older format. */
async function writtenIn(format: number): Promise<string> {
  const folder = await written();
  await withLevel(folder, (level) => level.put(HEADER_KEY, bytesFromHeader({ format, clusterId: CLUSTER, life: 1 })));
  return folder;
}

/** What lies in the folder, by LevelDB itself. */
async function withLevel<Result>(folder: string, action: (level: Level) => Promise<Result>): Promise<Result> {
  const level: Level = new ClassicLevel(folder, {
    keyEncoding: "buffer",
    valueEncoding: "buffer",
    compression: false,
  });
  try {
    return await action(level);
  } finally {
    await level.close();
  }
}

const errorsOf = (log: ReturnType<typeof keptLog>) => log.lines.filter(({ level }) => level === "error");

/** It loads nothing and says why, and each write says so too. */
async function expectUnusable(store: WarmStore, reason: RegExp): Promise<void> {
  const { claims, report } = await loadAll(store);
  expect(claims).toEqual([]);
  expect(report).toMatchObject({ clusterId: undefined, claims: 0, damaged: 0 });
  expect(report.problem).toMatch(reason);
  const writing = store.write(putsOf([second]));
  await expect(writing).rejects.toMatchObject({ name: "RegistryError", reason: "unavailable" });
  await expect(writing).rejects.toThrow(reason);
}

describe("a folder that cannot be used", () => {
  test("because another process has it is left alone, and used once it is free", async () => {
    const folder = await written();
    const log = keptLog();
    const other = await open(folder);
    const store = await open(folder, log);
    expect(errorsOf(log)).toMatchObject([{ fields: { folder } }]);
    expect(errorsOf(log)[0]!.fields["reason"]).toMatch(/another process/);
    await expectUnusable(store, /another process uses it/);
    expect(linesOf((await loadAll(other)).claims)).toEqual(linesOf([first]));
    await other.close();
    await store.write(putsOf([second]));
    await store.close();
    expect(linesOf((await loadAll(await open(folder))).claims)).toEqual(linesOf([first, second]));
  });

  test("because a file is in its place, or where its parent should be, is told of with the reason", async () => {
    const file = join(parentFolder(), "file");
    writeFileSync(file, "not a folder");
    for (const folder of [file, join(file, "below")]) {
      const log = keptLog();
      await expectUnusable(await open(folder, log), /EEXIST|ENOTDIR/);
      expect(errorsOf(log)).toMatchObject([{ fields: { folder } }]);
    }
    rmSync(file);
    const store = await open(file);
    await store.write(putsOf([second]));
  });

  test("because one of its files is not readable or a folder is set aside, or told of", async () => {
    const folder = await written();
    rmSync(join(folder, "CURRENT"));
    mkdirSync(join(folder, "CURRENT"));
    const log = keptLog();
    const store = await open(folder, log);
    expect((await loadAll(store)).claims).toEqual([]);
    expect(errorsOf(log)).toMatchObject([{ fields: { folder, setAside: `${folder}.damaged-1` } }]);
    await store.write(putsOf([second]));
  });
});

describe("a folder that is set aside", () => {
  test("because it is damaged keeps its name with a number, and the next one gets the next", async () => {
    const parent = parentFolder();
    for (const n of [1, 2, 3]) {
      const folder = await written(parent);
      writeFileSync(join(folder, "CURRENT"), "garbage");
      const log = keptLog();
      const store = await open(folder, log);
      expect(errorsOf(log)).toMatchObject([{ fields: { folder, setAside: `${folder}.damaged-${n}` } }]);
      expect(errorsOf(log)[0]!.fields["reason"]).toMatch(/CURRENT/);
      expect(await loadAll(store)).toMatchObject({ claims: [], report: { problem: undefined } });
      await store.close();
      rmSync(folder, { recursive: true });
    }
    expect(readdirSync(parent).toSorted()).toEqual(["warm.damaged-1", "warm.damaged-2", "warm.damaged-3"]);
  });

  test("because the file that names the others is gone is not taken for an empty one", async () => {
    const folder = await written();
    rmSync(join(folder, "CURRENT"));
    const log = keptLog();
    expect((await loadAll(await open(folder, log))).claims).toEqual([]);
    expect(errorsOf(log)[0]!.fields["reason"]).toMatch(/CURRENT is missing/);
    expect(readdirSync(`${folder}.damaged-1`).some((name) => name.endsWith(".log"))).toBe(true);
  });

  test("because nothing says whose content it is", async () => {
    const folder = await written();
    await withLevel(folder, (level) => level.del(HEADER_KEY));
    const log = keptLog();
    expect(await loadAll(await open(folder, log))).toMatchObject({ claims: [], report: { clusterId: undefined } });
    expect(errorsOf(log)[0]!.fields).toMatchObject({ setAside: `${folder}.damaged-1` });
  });

  test("because it is of another cluster still holds that one's content", async () => {
    const folder = await written();
    const log = keptLog();
    const store = await open(folder, log);
    await store.write({ clusterId: "decaf", slots: [] });
    await store.close();
    expect(errorsOf(log)).toMatchObject([{ fields: { folder, setAside: `${folder}.other-cluster-1` } }]);
    expect(errorsOf(log)[0]!.fields["reason"]).toContain(
      `of cluster ${CLUSTER}, and this node is now of cluster decaf`,
    );
    const { claims, report } = await loadAll(await open(`${folder}.other-cluster-1`));
    expect(linesOf(claims)).toEqual(linesOf([first]));
    expect(report.clusterId).toBe(CLUSTER);
  });
});

describe("the format", () => {
  test("is written from the first on", async () => {
    const header = await withLevel(await written(), async (level) => headerFromBytes((await level.get(HEADER_KEY))!));
    expect(header).toEqual({ format: 2, clusterId: CLUSTER, life: 1 });
  });

  test("of a later version is set aside whole, and not touched", async () => {
    const folder = await written();
    await withLevel(folder, async (level) => {
      await level.put(HEADER_KEY, bytesFromHeader({ format: 3, clusterId: CLUSTER, life: 1 }));
      await level.put(Buffer.from([9, 9]), Buffer.from("what only the later version understands"));
    });
    const before = await withLevel(folder, (level) => level.iterator().all());
    const log = keptLog();
    const store = await open(folder, log);
    expect(await loadAll(store)).toMatchObject({ claims: [], report: { damaged: 0, problem: undefined } });
    expect(errorsOf(log)).toMatchObject([{ fields: { folder, setAside: `${folder}.newer-format-1` } }]);
    expect(errorsOf(log)[0]!.fields["reason"]).toContain("it has format 3");
    expect(await withLevel(`${folder}.newer-format-1`, (level) => level.iterator().all())).toEqual(before);
  });

  test("of an earlier version is brought to today's step by step, once", async () => {
    const folder = await writtenIn(1);
    const ran: string[] = [];
    const step =
      (name: string, added: typeof first): Migration =>
      async (level) => {
        ran.push(name);
        await level.put(Buffer.from([9, ran.length]), Buffer.from(added.claim.instanceId));
      };
    const migrations = [step("1 to 2", first), step("2 to 3", second)];
    for (let life = 0; life < 2; life++) {
      const store = await open(folder, keptLog(), migrations);
      expect(linesOf((await loadAll(store)).claims)).toEqual(linesOf([first]));
      await store.close();
    }
    expect(ran).toEqual(["1 to 2", "2 to 3"]);
    const header = await withLevel(folder, async (level) => headerFromBytes((await level.get(HEADER_KEY))!));
    expect(header).toEqual({ format: 3, clusterId: CLUSTER, life: 1 });
    // And this is then too new for those who know fewer steps.
    const log = keptLog();
    await open(folder, log, migrations.slice(0, 1));
    expect(errorsOf(log)[0]!.fields["setAside"]).toBe(`${folder}.newer-format-1`);
  });

  test("of the first version, a key for each claim, is read and becomes today's", async () => {
    const folder = join(parentFolder(), "warm");
    await withLevel(folder, async (level) => {
      for (const [key, value] of FORMAT_1_ENTRIES)
        await level.put(Buffer.from(key, "base64"), Buffer.from(value, "base64"));
    });
    for (let life = 1; life <= 2; life++) {
      const log = keptLog();
      const store = await open(folder, log);
      const { claims, report } = await loadAll(store);
      expect(linesOf(claims)).toEqual(linesOf(FORMAT_1_CLAIMS));
      expect(report).toMatchObject({ clusterId: CLUSTER, problem: undefined });
      expect(report.versions).toEqual(new Map(FORMAT_1_CLAIMS.map(({ slot }) => [slot, FORMAT_1_VERSION])));
      expect(errorsOf(log)).toEqual([]);
      await store.close();
    }
    const [old, ...others] = FORMAT_1_CLAIMS;
    const newer = stored(old!.keyText, claimOf(old!.claim.instanceId, 2));
    const store = await open(folder);
    await store.write(putsOf([newer]));
    await store.close();
    expect(linesOf((await loadAll(await open(folder))).claims)).toEqual(linesOf([newer, ...others]));
  });

  test("of a migration that was cut by a crash goes on from the last step that was done", async () => {
    const folder = await writtenIn(2);
    const ran: string[] = [];
    const step =
      (name: string): Migration =>
      () =>
        Promise.resolve(void ran.push(name));
    const store = await open(folder, keptLog(), [step("1 to 2"), step("2 to 3")]);
    expect(linesOf((await loadAll(store)).claims)).toEqual(linesOf([first]));
    expect(ran).toEqual(["2 to 3"]);
  });
});

/**
 * A file system of one mebibyte. A process that may mount none gets a plain folder, and makes that unusable by what it
 * may do; warm-copy.test.ts has simulated disks that fail in the middle of it.
 */
function smallFileSystem(): { readonly at: string; readonly real: boolean } {
  const at = parentFolder();
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", at], { stdio: "ignore" });
  } catch {
    return { at, real: false };
  }
  cleanUps.push(() => execFileSync("umount", ["-l", at]));
  return { at, real: true };
}

describe("a disk", () => {
  const large = Array.from({ length: 100 }, (_, n) =>
    stored(ORDERS, claimOf(`i-${n}`, 1, { instance: Buffer.alloc(20_000, `${n} `) })),
  );
  const { slot } = first;

  /** Leaves no room on the disk. Gives back what undoes that. */
  function fill(at: string): () => void {
    const ballast = join(at, "ballast");
    try {
      writeFileSync(ballast, Buffer.alloc(2 << 20));
    } catch {
      // It has taken what there was.
    }
    return () => rmSync(ballast);
  }

  function makeReadOnly(at: string): () => void {
    execFileSync("mount", ["-o", "remount,ro", at]);
    return () => execFileSync("mount", ["-o", "remount,rw", at]);
  }

  /** What any process may do, the superuser included. */
  function obstruct(folder: string): () => void {
    if (existsSync(folder)) renameSync(folder, `${folder}.away`);
    writeFileSync(folder, "in the way");
    return () => {
      rmSync(folder);
      if (existsSync(`${folder}.away`)) renameSync(`${folder}.away`, folder);
    };
  }

  test("that is full refuses with the reason, and goes on when there is room", async () => {
    const disk = smallFileSystem();
    const folder = join(disk.at, "warm");
    const store = await open(folder);
    await store.write(putsOf([first], versionAt(1)));
    if (!disk.real) await store.close();
    const room = disk.real ? fill(disk.at) : obstruct(folder);
    const full = disk.real ? store : await open(folder);
    await expect(full.write(putsOf(large))).rejects.toThrow(
      /the warm copy in ".*" cannot be used: .*(No space|EEXIST)/,
    );
    await expect(full.write(putsOf(large))).rejects.toThrow(/cannot be used: .*(No space left|ENOSPC|EEXIST)/);
    room();
    const puts = [first, second];
    await full.write({ clusterId: CLUSTER, slots: [wholeWrite(slot, { puts, version: versionAt(2) })] });
    await full.close();
    const { claims, report } = await loadAll(await open(folder));
    expect(linesOf(claims)).toEqual(linesOf(puts));
    expect(report.versions).toEqual(new Map([[slot, versionAt(2)]]));
    expect(existsSync(`${folder}.damaged-1`)).toBe(false);
  });

  test("that is full from the start does not keep a store from opening", async () => {
    const disk = smallFileSystem();
    const folder = join(disk.at, "warm");
    const room = disk.real ? fill(disk.at) : obstruct(folder);
    const store = await open(folder);
    await expectUnusable(store, /ENOSPC|No space left|EEXIST/);
    room();
    await store.write(putsOf([second]));
    await store.close();
    expect(linesOf((await loadAll(await open(folder))).claims)).toEqual(linesOf([second]));
  });

  test("that can only be read is told of, and its content is left as it is", async () => {
    const { at, real } = smallFileSystem();
    const folder = await written(at);
    const makeWritable = real ? makeReadOnly(at) : obstruct(folder);
    const store = await open(folder);
    await expectUnusable(store, /EROFS|Read-only file system|EEXIST/);
    makeWritable();
    await store.write(putsOf([second]));
    await store.close();
    expect(linesOf((await loadAll(await open(folder))).claims)).toEqual(linesOf([first, second]));
  });
});
