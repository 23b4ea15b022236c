import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { beforeEach, describe, expect, onTestFinished, test } from "vitest";

import { createDiskCache } from "../src/node/disk-cache.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rollcall-cache-"));
  const made = folder;
  onTestFinished(() => rm(made, { recursive: true }));
});

function bytes(length: number, value = 1): Uint8Array {
  return new Uint8Array(length).fill(value);
}

describe("a disk", () => {
  test("gives back what was put there last, and nothing else lies there", async () => {
    const path = join(folder, "made", "when", "needed");
    const { store } = createDiskCache({ path });
    expect(store.read("a")).toEqual({ kind: "none" });
    expect(await store.write("a", bytes(10, 1))).toBeUndefined();
    expect(await store.write("a", bytes(20, 2))).toBeUndefined();
    expect(await store.write("b", bytes(5, 3))).toBeUndefined();
    expect(store.read("a")).toMatchObject({ kind: "found", bytes: Buffer.from(bytes(20, 2)) });
    expect(await store.remove("b")).toBeUndefined();
    expect(await store.remove("b")).toBeUndefined();
    expect(await readdir(path)).toEqual(["a.copy"]);
  });

  test("is used up to a limit: what was written longest ago goes first", async () => {
    const { store } = createDiskCache({ path: folder, maxBytes: 1_000 });
    for (const [index, name] of ["a", "b", "c"].entries()) {
      await store.write(name, bytes(300));
      await utimes(join(folder, `${name}.copy`), 0, Date.now() / 1_000 - 60 + index);
    }
    expect(await store.write("d", bytes(500))).toBeUndefined();
    expect((await readdir(folder)).toSorted()).toEqual(["c.copy", "d.copy"]);
    expect(await store.write("e", bytes(1_001))).toBe("a list of 1001 bytes is larger than all may be, 1000");
  });

  test("keeps nothing that is too old, not even what a killed process has half written", async () => {
    const { store } = createDiskCache({ path: folder, maxAgeMs: 1_000 });
    for (const name of ["old.copy", "old.copy.17.tmp", "of-somebody-else"]) {
      await writeFile(join(folder, name), "x");
      await utimes(join(folder, name), 0, Date.now() / 1_000 - 60);
    }
    await store.write("new", bytes(10));
    expect((await readdir(folder)).toSorted()).toEqual(["new.copy", "of-somebody-else"]);
  });

  test("that cannot be used is a problem in words", async () => {
    await writeFile(join(folder, "file"), "");
    const { store } = createDiskCache({ path: join(folder, "file") });
    expect(store.read("a")).toMatchObject({ kind: "failed", problem: expect.stringContaining("ENOTDIR") as unknown });
    expect(await store.write("a", bytes(1))).toContain("EEXIST");
    expect(await store.remove("a")).toContain("ENOTDIR");
    // A folder in the place of a file can neither be read nor replaced.
    const taken = createDiskCache({ path: folder }).store;
    await mkdir(join(folder, "b.copy"));
    expect(taken.read("b")).toMatchObject({ kind: "failed" });
    expect(await taken.write("b", bytes(1))).toBeDefined();
    expect((await readdir(folder)).toSorted()).toEqual(["b.copy", "file"]);
  });

  test.each([
    ["cache.path", { path: "" }],
    ["cache.maxAgeMs", { path: "x", maxAgeMs: 0 }],
    ["cache.maxBytes", { path: "x", maxBytes: Number.NaN }],
  ])("a wrong option is named: %s", (field, options) => {
    expect(() => createDiskCache(options)).toThrow(
      expect.objectContaining({ reason: "invalid_field", subject: expect.objectContaining({ field }) as unknown }),
    );
  });
});
