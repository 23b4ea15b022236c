// Decisions as files: export and import, backup and restore, against a cluster in this process.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ROLES_OF_CONTROL } from "@rollcall/core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { recordsFromText } from "../src/admin/record-file.ts";
import { startCluster, type Cluster } from "../src/testing/index.ts";
import { runRollcall, type Ended } from "./terminal.ts";

const started: { cluster?: Cluster } = {};
const folder = mkdtempSync(join(tmpdir(), "rollcall-admin-"));

beforeAll(async () => {
  started.cluster = await startCluster();
});
afterAll(async () => {
  await started.cluster?.close();
  rmSync(folder, { recursive: true, force: true });
});

function admin(...args: readonly string[]): Promise<Ended> {
  const meta = started.cluster!.nodes.find(({ role }) => role === "meta")!.address;
  return runRollcall(["admin", ...args, "--meta", meta], { USER: "ann" }).ended;
}

/** What a command that ends well prints. */
async function said(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await admin(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

async function ids(): Promise<string[]> {
  const { records } = JSON.parse(await said("list", "--json")) as { records: { id: string }[] };
  return records.map(({ id }) => id);
}

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const NOTHING = "records: []\n";

beforeEach(async () => {
  await said("import", file("nothing.yaml", NOTHING), "--prune");
});

const TWO = `# by hand
records:
  - rebalanceOff: {}
    author: git
    reason: commit 4f2a
  - pushOff: { namespace: shop }
    expiresInMs: 600000
`;

/** Whoever adds a kind adds it here: it has to come through a file as it is. */
const EVERY_KIND = `records:
  - rebalanceOff: {}
  - pushOff: { zone: z, exceptClients: [first] }
  - namespaceBlock: { namespace: n }
  - serviceBlock: { key: { namespace: n, group: g, service: s } }
  - quota: { namespace: n, instances: 10, services: 0 }
  - nodeDrain: { nodeId: data-9 }
  - clientOff: { address: 10.0.0.0/8, register: true }
  - instanceOverride: { instance: { key: { namespace: n, group: g, service: s }, instanceId: i }, weight: 0 }
  - staticInstance:
      key: { namespace: n, group: g, service: s }
      instance: { id: i, address: "10.0.0.1:80", weight: 7, metadata: { "1": one, a: b }, payload: AQI=, probe: { tcp: {} } }
`;

test("every kind of decision goes through a file, to the cluster and back, and is the same", async () => {
  const kinds = recordsFromText(EVERY_KIND, "every-kind.yaml").map(({ record }) => record.control.kind);
  expect(new Set(kinds)).toEqual(new Set(Object.keys(ROLES_OF_CONTROL)));
  const path = file("every-kind.yaml", EVERY_KIND);
  await said("import", path);
  const exported = await said("export");
  const sameIds = await ids();
  expect(await said("import", path, "--prune")).toBe(`0 changes made, ${kinds.length} as in the file already\n`);
  await said("import", file("nothing.yaml", NOTHING), "--prune");
  await said("import", file("exported.yaml", exported));
  expect(await ids()).toEqual(sameIds);
  expect(await said("export")).toBe(exported);
});

describe("a file with records", () => {
  test("is brought about, and a second time nothing is changed", async () => {
    const path = file("two.yaml", TWO);
    expect(await said("import", path, "--dry-run")).toMatch(/^\+ rebalance: .*\n\+ push\/.*\n2 changes to make, 0 as/);
    expect(await ids()).toEqual([]);
    expect(await said("import", path, "--reason", "the file")).toBe(
      "+ rebalance: rebalance off (git, commit 4f2a)\n" +
        '+ push/namespace/shop: push off {"namespace":"shop"} (for 600 s)\n' +
        "2 changes made, 0 as in the file already\n",
    );
    const { records } = JSON.parse(await said("list", "--json")) as { records: unknown };
    expect(records).toMatchObject([
      { id: "push/namespace/shop", author: "ann", reason: "the file" },
      { id: "rebalance", author: "git", reason: "commit 4f2a", expiresInMs: null },
    ]);
    expect(await said("import", path)).toBe("0 changes made, 2 as in the file already\n");
  });

  test("as export writes it, in YAML and JSON, is no change, and brings everything back", async () => {
    await said("import", file("two.yaml", TWO));
    const before = await said("list", "--json");
    for (const format of [[], ["--json"]]) {
      const path = file("export", await said("export", ...format));
      expect(await said("import", path, "--prune")).toMatch(/^0 changes made, 2 as/);
      await said("import", file("nothing.yaml", NOTHING), "--prune");
      expect(await ids()).toEqual([]);
      await said("import", path);
      const after = JSON.parse(await said("list", "--json")) as { records: object[] };
      const only = ({ records }: { records: object[] }): unknown[] =>
        records.map((record) => ({ ...record, version: 0, decidedAt: "", expiresInMs: "expiresInMs" in record }));
      expect(only(after)).toEqual(only(JSON.parse(before) as { records: object[] }));
    }
  });

  test("that replaces and takes back says both, within what is named", async () => {
    await said("import", file("two.yaml", TWO));
    const other = "records:\n  - rebalanceOff: {}\n    reason: another\n";
    expect(await said("import", file("other.yaml", other), "--prune", "block/")).toBe(
      "~ rebalance: rebalance off (git, commit 4f2a) -> rebalance off (another)\n" +
        "1 change made, 0 as in the file already\n",
    );
    const pruned = JSON.parse(await said("import", file("other.yaml", other), "--prune", "push/", "--json")) as object;
    expect(pruned).toMatchObject({
      applied: true,
      unchanged: 1,
      changes: [{ change: "remove", id: "push/namespace/shop", after: null }],
    });
    expect(await ids()).toEqual(["rebalance"]);
  });

  test.each([
    { text: "records:\n  - rebalanceOff: {}\n    because: x\n", says: [":2: records[0]: ", '"because"'] },
    { text: "records:\n  - reason: x\n", says: [":2: records[0]: ", "control"] },
    { text: "records:\n  - rebalanceOff: {}\n    reason: 5\n", says: [":2: records[0]: ", "reason"] },
    {
      text: "records:\n  - pushOff: { namespace: 'no spaces' }\n",
      says: [":2: records[0]: ", "namespace", "no spaces"],
    },
    { text: "records:\n  - rebalanceOff: {}\n  - rebalanceOff: {}\n", says: [":3: rebalance is decided in line 2"] },
    { text: "records:\n  - [\n", says: [":3: "] },
    { text: '{"records": [{"pushOff": {"zone": 5}}]}', says: [":1: records[0]: ", "zone"] },
    { text: "rebalanceOff: {}\n", says: [":1: it has to have a list `records`"] },
    { text: "", says: [":1: it has to have a list `records`"] },
  ])("with a mistake is refused with its place: $text", async ({ text, says }) => {
    const path = file("wrong.yaml", text);
    const { code, stdout, stderr } = await admin("import", path);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    for (const part of says) expect(stderr).toContain(part.startsWith(":") ? path + part : part);
    expect(await ids()).toEqual([]);
  });

  test("of which a record is refused brings the others about, and names it", async () => {
    const text = `records:\n  - rebalanceOff: {}\n    author: ${"a".repeat(200)}\n  - pushOff: { zone: z }\n`;
    const path = file("half.yaml", text);
    const { code, stderr } = await admin("import", path);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      new RegExp(`^rollcall: ${path}:2: rebalance: author must be .*\nrollcall: 1 of 2 changes made\n$`),
    );
    expect(await ids()).toEqual(["push/zone/z"]);
  });
});

describe("a backup", () => {
  const path = join(folder, "rollcall.backup");

  test("of a cluster that lives brings back its decisions, with authors and reasons, and nothing else", async () => {
    await said("import", file("two.yaml", TWO));
    expect(JSON.parse(await said("backup", path, "--json"))).toMatchObject({
      file: path,
      clusterId: expect.any(String) as string,
    });
    await said("import", file("nothing.yaml", NOTHING), "--prune");
    await said("push", "off", "--zone", "later").catch(() => "");
    expect(await said("restore", path, "--dry-run")).toContain("to make");
    const restored = await said("restore", path);
    expect(restored).toContain("+ rebalance: rebalance off (git, commit 4f2a)\n");
    expect(await ids()).toEqual(["push/namespace/shop", "rebalance"]);
    expect(await said("restore", path)).toMatch(/^0 changes made, 2 as/);
  });

  test("that is damaged, or of another cluster, is refused", async () => {
    await said("backup", path);
    const text = readFileSync(path, "utf8");
    const damaged = await admin(
      "restore",
      file("damaged.backup", text.replace('"leaderEpoch": 1', '"leaderEpoch": 2')),
    );
    expect(damaged).toMatchObject({ code: 1 });
    expect(damaged.stderr).toContain("checksum");
    const own = started.cluster!;
    const other = await startCluster();
    started.cluster = other;
    const refused = await admin("restore", path);
    const taken = await admin("restore", path, "--from-other-cluster");
    started.cluster = own;
    await other.close();
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toContain("--from-other-cluster");
    expect(taken).toMatchObject({ code: 0 });
  });
});
