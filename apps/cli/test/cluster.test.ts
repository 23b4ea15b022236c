// The whole command against a cluster that it started itself, as processes with real signals.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";

import { beforeAll, afterAll, expect, onTestFinished, test } from "vitest";

import { runRollcall, spawnRollcall, type Running } from "./terminal.ts";

const state: { dev?: Running; server: string; meta: string } = { server: "", meta: "" };

beforeAll(async () => {
  state.dev = spawnRollcall(["dev", "--port", "0", "--sessions", "2", "--data", "2"]);
  await state.dev.sees(/Ctrl-C stops it all/);
  [, state.server = ""] = await state.dev.sees(/watch orders --server (\S+)/);
  [, state.meta = ""] = await state.dev.sees(/status --meta ([^\s`]+)/);
}, 30_000);

afterAll(async () => {
  await state.dev?.interrupt();
});

/** A command to its end, in this process. */
async function rollcall(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runRollcall(args, { ROLLCALL_SERVER: state.server }).ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

async function json(...args: readonly string[]): Promise<unknown> {
  return JSON.parse(await rollcall(...args, "--json"));
}

const lines = (text: string): unknown[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line): unknown => JSON.parse(line));

test("dev says what is up, where, and which commands to try", () => {
  const text = state.dev!.stdout();
  expect(text).toMatch(/^session +session-1 +127\.0\.0\.1:\d+$/m);
  expect(text).toMatch(/^session +session-2 +127\.0\.0\.1:\d+$/m);
  expect(text).toMatch(/^data +data-2 +127\.0\.0\.1:\d+$/m);
  expect(text).toMatch(/^meta +meta-1 +127\.0\.0\.1:\d+$/m);
  expect(text).toContain(`npx rollcall watch orders --server ${state.server}`);
  expect(text).toContain("npx rollcall register orders 127.0.0.1:8080");
  expect(text).toContain("npm run rollcall -- watch orders");
  expect(state.dev!.stderr()).toBe("");
});

test("an instance is watched, resolved, listed, and gone after Ctrl-C", { timeout: 60_000 }, async () => {
  const table = spawnRollcall(["watch", "orders", "--server", state.server]);
  const stream = spawnRollcall(["watch", "orders", "--json", "--server", state.server]);
  await table.sees(/orders {2}0 instances.*\nnobody has registered it/);
  await stream.sees(/"instances":\[\]/);

  const options = ["--id", "one", "--protocol", "http", "--weight", "50", "--zone", "a", "--meta", "version=1.2"];
  const registered = spawnRollcall(["register", "orders", "127.0.0.1:8080", ...options, "--server", state.server]);
  await registered.sees(/^registered http:\/\/127\.0\.0\.1:8080 for orders with id one at version \S+; Ctrl-C/);
  const row = /127\.0\.0\.1:8080 +http +50 +a +healthy +version=1\.2 +one\n/;
  await table.sees(new RegExp(`1 instance, 1 new, .*\\nADDRESS.*\\n${row.source}`));
  await stream.sees(/"id":"one"/);

  expect(await rollcall("resolve", "orders")).toMatch(row);
  expect(await rollcall("resolve", "orders", "--meta", "version=2")).toContain("0 instances");
  expect(await rollcall("resolve", "orders", "--zone", "b")).toMatch(row);
  expect(await rollcall("resolve", "orders", "--only-zone", "b")).toContain("0 instances");
  const instance = { id: "one", address: "127.0.0.1:8080", protocol: "http", weight: 50, zone: "a" };
  const service = { namespace: "default", group: "default", service: "orders" };
  expect(await json("resolve", "orders", "--protocol", "http")).toMatchObject({
    service,
    confirmed: true,
    instances: [{ ...instance, metadata: { version: "1.2" }, payload: "", enabled: true, health: "healthy" }],
  });
  expect(await rollcall("services")).toMatch(/^SERVICE +GROUP +INSTANCES\norders +default +1\n$/);
  expect(await json("services")).toEqual({ namespace: "default", services: [{ service, instances: 1 }] });

  const end = await registered.interrupt();
  expect({ code: end.code, stderr: end.stderr }).toEqual({ code: 0, stderr: "" });
  expect(end.stdout).toMatch(/\nunregistered http:\/\/127\.0\.0\.1:8080 for orders/);
  await table.sees(/0 instances, 1 gone/);
  expect(await rollcall("resolve", "orders")).toContain("0 instances");
  expect(await rollcall("services")).toBe("nobody has registered anything in namespace default\n");

  expect(await table.interrupt()).toMatchObject({ code: 0, stderr: "" });
  const streamed = await stream.interrupt();
  expect(streamed).toMatchObject({ code: 0, stderr: "" });
  expect(lines(streamed.stdout)).toMatchObject([{ instances: [] }, { instances: [instance] }, { instances: [] }]);
});

test("the list of services is watched, by prefix", { timeout: 60_000 }, async () => {
  const table = spawnRollcall(["services", "--watch", "--prefix", "list.", "--server", state.server]);
  const stream = runRollcall(["services", "--watch", "--prefix", "list.", "--json", "--server", state.server]);
  await table.sees(/^namespace default {2}0 services\n$/);
  await stream.sees(/"services":\[\]/);
  const a = runRollcall(["register", "list.a", "127.0.0.1:9", "--server", state.server]);
  await table.sees(/1 service, 1 new\nSERVICE +GROUP\nlist\.a +default\n/);
  const elsewhere = runRollcall(["register", "elsewhere", "127.0.0.1:9", "--server", state.server]);
  await elsewhere.sees(/^registered/);
  expect(await rollcall("services", "--prefix", "list.")).toMatch(/^SERVICE.*\nlist\.a +default +1\n$/);
  await a.interrupt();
  await table.sees(/0 services, 1 gone\n/);
  expect(await table.interrupt()).toMatchObject({ code: 0, stderr: "" });
  const service = { namespace: "default", group: "default", service: "list.a" };
  expect(lines((await stream.interrupt()).stdout)).toEqual([
    { namespace: "default", services: [] },
    { namespace: "default", services: [service] },
    { namespace: "default", services: [] },
  ]);
});

test("register tells scripts about the beginning and the end", async () => {
  const args = ["register", "billing", "127.0.0.1:9", "--namespace", "shop", "--group", "blue", "--json"];
  const running = runRollcall([...args, "--server", `127.0.0.1:1,${state.server}`]);
  await running.sees(/\n/);
  expect(await rollcall("services", "--namespace", "shop")).toMatch(/\nbilling +blue +1\n$/);
  expect(await rollcall("services", "--namespace", "shop", "--group", "green")).toContain("nobody");
  const { code, stdout } = await running.interrupt();
  expect(code).toBe(0);
  const service = { namespace: "shop", group: "blue", service: "billing" };
  const instance = { address: "127.0.0.1:9" };
  expect(lines(stdout)).toMatchObject([
    { event: "registered", service, instance, version: { epoch: expect.any(Number) as number } },
    { event: "unregistered", service, instance },
  ]);
});

/** Of the nodes' software. */
const VERSION = String.raw`\d+\.\d+\.\d+`;

test("status shows every node, what it leads and whether it is ready", async () => {
  const text = await rollcall("status", "--meta", state.meta);
  expect(text).toMatch(/^cluster \w+ {2}version \d+, slot table epoch \d+, 256 of 256 slots led, 256 followed\nROLE/);
  expect(text).toMatch(new RegExp(`^session +session-1 +${state.server} +- +${VERSION} +- +- +\\d+ +yes$`, "m"));
  expect(text).toMatch(new RegExp(`^data +data-1 +\\S+ +- +${VERSION} +128 +128 +- +yes$`, "m"));
  expect(text).toMatch(new RegExp(`^meta +- +${state.meta} +- +- +- +- +- +yes$`, "m"));
  expect(await json("status", "--meta", state.meta)).toMatchObject({
    slots: { total: 256, led: 256, followed: 256 },
    nodes: [
      {
        role: "session",
        nodeId: "session-1",
        address: state.server,
        slots: null,
        follows: null,
        zone: "",
        draining: false,
        unsteady: false,
        ready: true,
        reasons: [],
      },
      { role: "session", nodeId: "session-2", ready: true },
      { role: "data", nodeId: "data-1", slots: 128, follows: 128, ready: true },
      { role: "data", nodeId: "data-2", slots: 128, follows: 128, ready: true },
      { role: "meta", nodeId: null, incarnation: null, address: state.meta, slots: null, follows: null, ready: true },
    ],
  });
});

test(
  "why tells the story of an instance from its registration to the receipts of those who were told",
  { timeout: 60_000 },
  async () => {
    const watch = spawnRollcall(["watch", "why-me", "--server", state.server]);
    await watch.sees(/0 instances/);
    const registering = spawnRollcall(["register", "why-me", "127.0.0.1:1", "--id", "one", "--server", state.server]);
    await watch.sees(/1 instance\b/);
    await registering.interrupt();
    await watch.sees(/nobody|0 instances, 1 gone/);
    await watch.interrupt();
    const text = await rollcall("why", "why-me", "--meta", state.meta);
    expect(text).toMatch(/^why-me {2}led by data-\d\nWHEN +VERSION +NODE +WHAT IT DID\n/);
    for (const [node, sentence] of [
      ["session-1", "was asked for it by \\w+"],
      ["data-\\d", "took in one, registered by \\w+ through session-1#\\d+"],
      ["data-\\d", "told session-1#\\d+"],
      ["session-1", "heard of it from data-\\d"],
      ["session-1", "pushed it to \\w+"],
      ["session-1", "has the receipt of \\w+"],
      ["data-\\d", "took out one, unregistered by \\w+ through session-1#\\d+"],
      ["session-1", "was left by \\w+"],
    ])
      expect(text).toMatch(new RegExp(`^[0-9.]+ s ago +\\S+ +${node} +${sentence}$`, "m"));
    const { events, ...rest } = (await json("why", "why-me", "--meta", state.meta)) as {
      readonly events: readonly { readonly kind: string; readonly version: unknown }[];
    };
    expect(rest).toMatchObject({ service: { namespace: "default", group: "default", service: "why-me" }, silent: [] });
    const registered = events.find(({ kind }) => kind === "registered")!;
    const ofThatVersion = events.filter(({ version }) => isDeepStrictEqual(version, registered.version));
    const kinds = ofThatVersion.map(({ kind }) => kind).filter((kind) => kind !== "confirmed");
    expect(kinds).toEqual(["registered", "notified", "came", "pushed"]);
    expect(await rollcall("why", "never-heard-of", "--meta", state.meta)).toContain("nothing happened to it");
  },
);

test("status says of slots whose only node is gone that nobody leads them", { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "rollcall-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const ready = /"ready":true.*"address":"([^"]+)"/;
  const meta = spawnRollcall(["meta", "--port", "0", "--data-dir", join(folder, "meta")]);
  const [, address = ""] = await meta.sees(ready);
  const data = spawnRollcall(["data", "--port", "0", "--meta", address, "--data-dir", join(folder, "data")]);
  await data.sees(/"leading":256/);
  await data.interrupt();

  const { code, stdout, stderr } = await runRollcall(["status", "--meta", address]).ended;
  expect(stdout).toContain(" 0 of 256 slots led, 0 followed");
  expect({ code, stderr }).toEqual({ code: 1, stderr: "rollcall: 256 slots without a leader: start a data node\n" });
  await meta.interrupt();
});

test("a port that is taken is named, with a way out", async () => {
  const port = state.server.split(":").at(-1)!;
  const { code, stdout, stderr } = await runRollcall(["dev", "--port", port]).ended;
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(new RegExp(`^rollcall: port ${port} is in use: [^\\n]*--port\\n$`));
});

test("dev stops in order on Ctrl-C, and who watched is told", { timeout: 60_000 }, async () => {
  const dev = spawnRollcall(["dev", "--port", "0"]);
  const [, server = ""] = await dev.sees(/watch orders --server (\S+)/);
  const watching = runRollcall(["watch", "orders", "--server", server]);
  await watching.sees(/nobody has registered it/);
  expect(await dev.interrupt()).toMatchObject({ code: 0, stderr: "" });
  expect((await watching.interrupt()).stderr).toMatch(new RegExp(`^rollcall: lost ${server} .*until there is one\n$`));
});
