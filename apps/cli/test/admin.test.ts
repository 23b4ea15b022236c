// The verbs of `rollcall admin` against a cluster in this process.

import { readFileSync } from "node:fs";

import { silentLog } from "@rollcall/core";
import { SharedMemory, createMetaServer } from "@rollcall/meta";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { ControlService, errorDetailCodec } from "@rollcall/protocol";
import { startNode, systemClock } from "@rollcall/runtime";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";

import { VERBS } from "../src/admin/verbs.ts";
import { startCluster, type Cluster } from "../src/testing/index.ts";
import { runRollcall, type Ended } from "./terminal.ts";

const started: { cluster?: Cluster } = {};

beforeAll(async () => {
  started.cluster = await startCluster();
});
afterAll(() => started.cluster?.close());

const metaAddress = (): string => started.cluster!.nodes.find(({ role }) => role === "meta")!.address;

function admin(...args: readonly string[]): Promise<Ended> {
  return runRollcall(["admin", ...args, "--meta", metaAddress()], { USER: "ann" }).ended;
}

async function json(...args: readonly string[]): Promise<unknown> {
  const { code, stdout, stderr } = await admin(...args, "--json");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}

describe("a decision", () => {
  afterEach(() => admin("rebalance", "on"));

  test("has an author, a reason and a time; it is listed, and taken back", async () => {
    const off = await admin("rebalance", "off", "--reason", "an import", "--expires", "10m");
    expect(off.stdout).toMatch(
      /^rebalance: rebalance off, decided by ann at .+ as version \d+, for 600 s more: an import\n$/,
    );
    const record = {
      id: "rebalance",
      version: expect.any(Number) as number,
      author: "ann",
      reason: "an import",
      decidedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
      expiresInMs: expect.any(Number) as number,
      rebalanceOff: {},
    };
    expect(await json("list")).toEqual({ version: expect.any(Number) as number, records: [record] });
    expect(await json("list", "other/")).toMatchObject({ records: [] });
    expect((await admin("list")).stdout).toMatch(
      /^ID +DECISION .*\nrebalance +rebalance off +\d+ +ann .* s more +an import\n$/,
    );
    expect(await json("rebalance", "on")).toMatchObject({ id: "rebalance", removed: true });
    expect(await json("rebalance", "on")).toEqual({ id: "rebalance", removed: false });
    expect((await admin("list")).stdout).toBe("nothing is decided\n");
    const { changes } = (await json("log", "--limit", "2")) as { changes: unknown };
    expect(changes).toMatchObject([
      { id: "rebalance", author: "ann", reason: "an import", before: null, after: { rebalanceOff: {} } },
      { id: "rebalance", author: "ann", reason: "", before: { rebalanceOff: {} }, after: null },
    ]);
    expect((await admin("log")).stdout).toMatch(
      /^VERSION +WHEN .*\n\d+ .* ann +rebalance +- +rebalance off +an import\n/,
    );
  });

  test("is somebody else's when it is not at the expected version, which has an exit code of its own", async () => {
    const { version } = (await json("rebalance", "off", "--author", "bob", "--expect", "0")) as { version: number };
    const refused = await admin("rebalance", "off", "--expect", "0");
    expect(refused).toEqual({
      code: 3,
      stdout: "",
      stderr: `rollcall: rebalance is at version ${version}, not at 0 as expected\n`,
    });
    expect(await admin("rebalance", "on", "--expect", String(version))).toMatchObject({ code: 0 });
    expect(await admin("rebalance", "on", "--expect", String(version))).toMatchObject({ code: 3 });
  });
});

test.each([
  { args: ["rebalance", "off", "--expires", "600"], says: "500ms, 90s, 30m, 2h, 7d" },
  { args: ["rebalance", "off", "--expires", "9999d"], says: "expires_in_ms must be from 1 to" },
  { args: ["rebalance", "off", "--author", "a".repeat(129)], says: "author must be 1 to 128 characters" },
  { args: ["rebalance", "perhaps"], says: "unknown command 'perhaps'" },
  { args: ["rebalance", "on", "--expires", "1s"], says: "unknown option '--expires'" },
])("$args makes no sense, and that is said", async ({ args, says }) => {
  const { code, stdout, stderr } = await admin(...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(says);
});

test.each(VERBS.map(({ name }) => name))(
  "the help of %s has an example and every option a description",
  async (name) => {
    const { code, stdout } = await runRollcall(["admin", ...name.split(" "), "--help"]).ended;
    expect(code).toBe(0);
    expect(stdout).toContain(`Usage: rollcall admin ${name}`);
    expect(stdout).toMatch(new RegExp(`Examples:\n  rollcall admin ${name}`));
    for (const option of stdout.split("\n").filter((line) => /^ {2}--?\w/.test(line)))
      expect(option).toMatch(/^ {2}-.+? {2,}\w/);
  },
);

test("docs/operating.md has every verb", () => {
  const page = readFileSync(new URL("../../../docs/operating.md", import.meta.url), "utf8");
  const section = page.split(/^## /m).find((part) => part.startsWith("Deciding how the cluster is run"))!;
  const cells = [...section.matchAll(/^\| (`[^|]+?) +\|/gm)].map(([, cell]) => cell!);
  const documented = cells.flatMap((cell) => {
    const [first, ...others] = [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
    const words = first!.split(" ").filter((word) => /^[a-z-]+$/.test(word));
    return [words.join(" "), ...others.map((other) => `${words[0]} ${other}`)];
  });
  expect(documented.toSorted()).toEqual(VERBS.map(({ name }) => name).toSorted());
});

test("a meta that does not lead names the one that does, which decides", async () => {
  const memory = new SharedMemory(systemClock);
  const start = async (nodeId: string) => {
    const node = await startNode({
      nodeId,
      settings: { host: "127.0.0.1", port: 0, advertise: undefined, stopGraceMs: 1_000 },
      log: silentLog,
      errorDetail: errorDetailCodec,
      create: (ports) => createMetaServer({ nodeId, nodeLeaseMs: 3_000 }, { ...ports, store: memory.open(ports) }),
    });
    onTestFinished(() => node.stop());
    await vi.waitUntil(() => node.unready().length === 0);
    return node.address;
  };
  const [leading, other] = [await start("meta-1"), await start("meta-2")];
  expect(memory.leader?.address).toBe(leading);
  const decided = await runRollcall(["admin", "rebalance", "off", "--meta", other]).ended;
  expect(decided).toMatchObject({ code: 0, stderr: "" });
  expect([...memory.controls.keys()]).toContain("rebalance");
  // What is decided it tells by itself, also when nobody leads.
  const control = createClient(
    ControlService,
    createConnectTransport({ baseUrl: `http://${other}`, httpVersion: "1.1" }),
  );
  expect(await control.listControls({})).toMatchObject({ version: 1n, records: [{ id: "rebalance", version: 1n }] });
  expect(await control.listControls({ prefix: "static/" })).toMatchObject({ records: [] });
  expect((await control.listChanges({})).changes.map(({ id }) => id)).toEqual(["rebalance"]);
});
