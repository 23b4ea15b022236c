// What an operator sees when a node cannot start: one clear message and an exit code that scripts can tell apart.

import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { beforeAll, afterAll, expect, onTestFinished, test } from "vitest";

import { ProgramGroup, type Program } from "../src/processes.ts";

const group = new ProgramGroup();
const state = { folder: "" };

beforeAll(async () => {
  state.folder = await mkdtemp(join(tmpdir(), "rollcall-e2e-"));
});

afterAll(async () => {
  await group[Symbol.asyncDispose]();
  await rm(state.folder, { recursive: true });
});

function run(role: "meta" | "data" | "session", ...args: readonly string[]): Program {
  const program = group.start({ name: role, script: `apps/${role}/src/main.ts`, args });
  onTestFinished(() => program.drop());
  return program;
}

/** Of a node that could not start: the reason in its log. */
function reasonOf(program: Program): string {
  const line = program.lines.find(({ message }) => message === "could not start");
  return (line?.["error"] as { readonly message: string } | undefined)?.message ?? "";
}

test.each([
  ["session", ["--meta", "127.0.0.1:1", "--port", "70000"], ["port", "70000", "a whole number from 0 to 65535"]],
  ["session", ["--meta", "127.0.0.1:1", "--heartbeat-ms", "soon"], ["heartbeatMs", '"soon"', "100 to 10000"]],
  ["session", [], ["meta", "nothing", "at least one host:port"]],
  ["session", ["--meta", "nowhere"], ["meta", "nowhere", "host:port"]],
  ["data", ["--meta", "127.0.0.1:1", "--registration-lease-ms", "5"], ["registrationLeaseMs", "5", "1000 to 600000"]],
  ["data", ["--meta", "127.0.0.1:1", "--log-level", "loud"], ["logLevel", "loud", "debug, info, warn, error, silent"]],
  ["data", ["--meta", "127.0.0.1:1", "--host", "0.0.0.0"], ["host", "0.0.0.0", "--insecure"]],
  ["meta", ["--node-lease-ms", "-1"], ["nodeLeaseMs", "-1", "500 to 60000"]],
  ["meta", ["--data-dirr", "x"], ["--data-dirr", "--data-dir"]],
] as const)("%s %j ends with code 2 and names key, value and what is allowed", async (role, args, words) => {
  const program = run(role, ...args);
  expect(await program.ended()).toEqual({ code: 2, signal: null });
  for (const word of words) expect(program.output).toContain(word);
  expect(program.output.split("\n"), "one message and no stack").toHaveLength(1);
});

test("a second meta on the same folder says that the first one has it and ends with code 1", async () => {
  const folder = join(state.folder, "locked");
  const first = run("meta", "--port", "0", "--data-dir", folder);
  const address = await first.ready();
  const second = run("meta", "--port", "0", "--data-dir", folder);
  expect(await second.ended()).toEqual({ code: 1, signal: null });
  expect(reasonOf(second)).toContain(JSON.stringify(folder));
  expect(reasonOf(second)).toMatch(/lock/i);
  expect((await fetch(`http://${address}/readyz`)).status, "the first is not disturbed").toBe(200);
  expect(await first.stop()).toEqual({ code: 0, signal: null });
});

test("a meta whose folder holds garbage says so and ends with code 1", async () => {
  const folder = join(state.folder, "garbage");
  await mkdir(folder);
  await writeFile(join(folder, "CURRENT"), "this is no database");
  const program = run("meta", "--port", "0", "--data-dir", folder);
  expect(await program.ended()).toEqual({ code: 1, signal: null });
  expect(reasonOf(program)).toContain(JSON.stringify(folder));
  expect(reasonOf(program)).toMatch(/cannot be opened: .*(CURRENT|corrupt)/i);
});

test("a meta whose folder is a file says so and ends with code 1", async () => {
  const file = join(state.folder, "file");
  await writeFile(file, "");
  const program = run("meta", "--port", "0", "--data-dir", file);
  expect(await program.ended()).toEqual({ code: 1, signal: null });
  expect(reasonOf(program)).toContain(JSON.stringify(file));
  expect(reasonOf(program)).toContain("cannot be made");
});

test("a node whose port is taken names it and ends with code 1", async () => {
  const first = run("meta", "--port", "0", "--data-dir", join(state.folder, "taken"));
  const port = (await first.ready()).split(":").at(-1)!;
  const second = run("session", "--port", port, "--meta", `127.0.0.1:${port}`);
  expect(await second.ended()).toEqual({ code: 1, signal: null });
  expect(reasonOf(second)).toContain(`127.0.0.1:${port}`);
});

test("a session that finds no meta listens, is not ready, and stops in order", async () => {
  const program = run("session", "--port", "0", "--meta", "127.0.0.1:1");
  const address = await program.ready();
  const response = await fetch(`http://${address}/readyz`);
  expect(response.status).toBe(503);
  expect(await response.json()).toEqual({ ready: false, reasons: ["has not joined the cluster"] });
  expect((await fetch(`http://${address}/healthz`)).status).toBe(200);
  expect(await program.stop()).toEqual({ code: 0, signal: null });
});
