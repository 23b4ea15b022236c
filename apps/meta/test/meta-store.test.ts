import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { RegistryError } from "@rollcall/core";
import { ClassicLevel } from "classic-level";
import { afterAll, describe, expect, test } from "vitest";
import { LevelMetaStore } from "../src/peers/level-meta-store.ts";
import { MemoryMetaStore } from "../src/store/memory-meta-store.ts";
import { describeMetaStore, founded, grown } from "./meta-store-contract.ts";

const folders: string[] = [];
const folder = () => {
  const made = mkdtempSync(join(tmpdir(), "rollcall-meta-"));
  folders.push(made);
  return made;
};
afterAll(() => {
  for (const made of folders) rmSync(made, { recursive: true, force: true });
});

let memory: MemoryMetaStore | undefined;
describeMetaStore("MemoryMetaStore", {
  open: () => Promise.resolve((memory ??= new MemoryMetaStore())),
  clear: () => (memory = undefined),
});
let place: string | undefined;
describeMetaStore("LevelMetaStore", {
  open: () => LevelMetaStore.open((place ??= folder())),
  clear: () => (place = undefined),
});

/** A folder in which a store has written, and been closed. */
async function written(): Promise<string> {
  const made = folder();
  const store = await LevelMetaStore.open(made);
  await store.write(founded);
  await store.write(grown);
  await store.close();
  return made;
}

async function readIn(made: string): Promise<unknown> {
  let store: LevelMetaStore | undefined;
  try {
    store = await LevelMetaStore.open(made);
    return await store.read();
  } catch (thrown) {
    return thrown;
  } finally {
    await store?.close();
  }
}

describe("the record in LevelDB", () => {
  test("is there for the next process", async () => {
    expect(await readIn(await written())).toEqual(grown);
  });

  test("of a version that knew of no departed sessions is read as one without any", async () => {
    const made = folder();
    const { departed: _departed, ...old } = grown;
    const level = new ClassicLevel<string, unknown>(made, { valueEncoding: "json" });
    await level.put("cluster", { format: 1, ...old });
    await level.close();
    expect(await readIn(made)).toEqual({ ...grown, departed: [] });
  });

  test("is refused to a second opener, who is told why and where", async () => {
    const made = folder();
    const first = await LevelMetaStore.open(made);
    const second = LevelMetaStore.open(made);
    await expect(second).rejects.toThrow(RegistryError);
    await expect(second).rejects.toMatchObject({ reason: "unavailable" });
    await expect(second).rejects.toThrow(`meta's store in ${JSON.stringify(made)} cannot be opened: `);
    await expect(second).rejects.toThrow(/lock/i);
    await first.close();
    expect(await readIn(made)).toBeUndefined();
  });

  test("is not looked for in a file, nor where nothing can be written", async () => {
    const file = join(folder(), "a-file");
    writeFileSync(file, "not a folder");
    expect(await readIn(file)).toMatchObject({ name: "RegistryError", reason: "unavailable" });
    expect(await readIn(join(file, "below"))).toMatchObject({ name: "RegistryError", reason: "unavailable" });
  });

  test.each([
    { what: "a newer form", record: { format: 2 }, says: "format" },
    { what: "a slot table that is too short", record: { table: { epoch: 1, owners: [] } }, says: "table.owners" },
    { what: "an epoch that is none", record: { table: { ...grown.table, epoch: -1 } }, says: "table.epoch" },
    { what: "a cluster without an id", record: { clusterId: "" }, says: "clusterId" },
    { what: "a role that is none", record: { members: [{ ...grown.members[0], role: "boss" }] }, says: "role" },
    { what: "a departed session that is none", record: { departed: [{ nodeId: "s" }] }, says: "departed" },
  ])("with $what is not read, and the part is named", async ({ record, says }) => {
    const made = folder();
    const level = new ClassicLevel<string, unknown>(made, { valueEncoding: "json" });
    await level.put("cluster", { format: 1, ...grown, ...record });
    await level.close();
    const read = await readIn(made);
    expect(read).toMatchObject({ name: "RegistryError", reason: "unavailable" });
    expect((read as RegistryError).message).toContain("a record that this version cannot read");
    expect((read as RegistryError).message).toContain(says);
  });

  test("that is no JSON is not read, and that is said", async () => {
    const made = folder();
    const level = new ClassicLevel(made);
    await level.put("cluster", "{ cut");
    await level.close();
    expect(await readIn(made)).toMatchObject({ name: "RegistryError", reason: "unavailable" });
  });
});

describe("damaged files", () => {
  const kinds = ["CURRENT", "MANIFEST", ".log", "ACKNOWLEDGED"] as const;
  const fileOf = (made: string, kind: string) =>
    join(
      made,
      readdirSync(made).find((name) => name.includes(kind))!,
    );
  /** What was written last, or a refusal to read it: never nothing, nor what was there before. */
  const expectWholeOrRefused = (read: unknown) => {
    const seen = read instanceof RegistryError ? read.reason : read;
    expect([grown, "unavailable"]).toContainEqual(seen);
  };

  test.each(kinds)("%s full of garbage", async (kind) => {
    const made = await written();
    writeFileSync(fileOf(made, kind), Buffer.alloc(300, 0x5a));
    expectWholeOrRefused(await readIn(made));
  });

  test.each(kinds)("%s cut", async (kind) => {
    for (const share of [0, 0.3, 0.9]) {
      const made = await written();
      const file = fileOf(made, kind);
      truncateSync(file, Math.floor(readFileSync(file).length * share));
      expectWholeOrRefused(await readIn(made));
    }
  });

  test("garbage instead of the list of files is refused with the place named", async () => {
    const made = await written();
    writeFileSync(fileOf(made, "CURRENT"), "garbage");
    const read = await readIn(made);
    expect(read).toMatchObject({ name: "RegistryError", reason: "unavailable" });
    expect((read as RegistryError).message).toContain(JSON.stringify(made));
  });

  test("a folder of which only the word is left that there was a cluster is refused, and no other is founded", async () => {
    const made = await written();
    for (const name of readdirSync(made)) if (name !== "ACKNOWLEDGED") rmSync(join(made, name));
    const read = await readIn(made);
    expect(read).toMatchObject({ name: "RegistryError", reason: "unavailable" });
    expect((read as RegistryError).message).toContain("it has lost what was acknowledged: 0 of 2 writes are there");
  });

  test("garbage instead of what was acknowledged is refused", async () => {
    const made = await written();
    writeFileSync(join(made, "ACKNOWLEDGED"), Buffer.alloc(1_024, 0x5a));
    const read = await readIn(made);
    expect((read as RegistryError).message).toContain("ACKNOWLEDGED in it is damaged");
  });

  test("a folder of a version that kept no count of its writes is taken over", async () => {
    const made = await written();
    const level = new ClassicLevel(made);
    await level.del("writes");
    await level.close();
    rmSync(join(made, "ACKNOWLEDGED"));
    expect(await readIn(made)).toEqual(grown);
  });
});
