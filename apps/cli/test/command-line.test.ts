// What the command says of itself, and how it refuses what makes no sense.

import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { runRollcall } from "./terminal.ts";

const VERBS = ["dev", "session", "data", "meta", "register", "watch", "resolve", "services", "status", "why", "admin"];
const OWN_HELP = VERBS.filter((verb) => !["session", "data", "meta", "admin"].includes(verb));

test("the help names every verb and says how to begin", async () => {
  const { code, stdout } = await runRollcall(["--help"]).ended;
  expect(code).toBe(0);
  for (const verb of VERBS) expect(stdout).toMatch(new RegExp(`^  ${verb}\\b.+ \\w+`, "m"));
  expect(stdout).toContain("rollcall watch orders");
});

test.each(OWN_HELP)("the help of %s has an example and every option a description", async (verb) => {
  const { code, stdout } = await runRollcall([verb, "--help"]).ended;
  expect(code).toBe(0);
  expect(stdout).toContain(`Usage: rollcall ${verb}`);
  expect(stdout).toMatch(new RegExp(`Examples:\n  rollcall ${verb}`));
  const options = stdout.split("\n").filter((line) => /^  --?\w/.test(line));
  expect(options.length).toBeGreaterThan(2);
  for (const option of options) expect(option).toMatch(/^  -.+? {2,}\w/);
});

test("without a command it shows the help as wrong usage", async () => {
  const { code, stderr } = await runRollcall([]).ended;
  expect(code).toBe(2);
  expect(stderr).toContain("Usage: rollcall");
});

test("the version is the package's", async () => {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  const { code, stdout } = await runRollcall(["--version"]).ended;
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${(JSON.parse(manifest) as { version: string }).version}\n` });
});

test.each([
  [["wacth"], ["wacth", "Did you mean watch?"]],
  [["watch"], ["service"]],
  [
    ["watch", "orders", "--jsno"],
    ["--jsno", "--json"],
  ],
  [["watch", "orders", "more"], ["too many arguments"]],
  [
    ["watch", "no spaces"],
    ["service", '"no spaces"', "letters"],
  ],
  [
    ["watch", "orders", "--namespace", "-"],
    ["namespace", "letters"],
  ],
  [
    ["watch", "orders", "--server", "nowhere"],
    ["--server", "host:port", '"nowhere"'],
  ],
  [
    ["watch", "orders", "--server", "127.0.0.1:9600,127.0.0.1:0"],
    ["--server", '"127.0.0.1:0"'],
  ],
  [
    ["watch", "orders", "--meta", "version"],
    ["--meta", "key=value"],
  ],
  [
    ["watch", "orders", "--timeout", "soon"],
    ["--timeout", "whole number"],
  ],
  [["register", "orders"], ["address"]],
  [
    ["register", "orders", "nowhere"],
    ["instance.address", "host:port", '"nowhere"'],
  ],
  [
    ["register", "orders", "127.0.0.1:80", "--weight", "20000"],
    ["instance.weight", "10000", "20000"],
  ],
  [
    ["services", "--namespace", "a b"],
    ["namespace", '"a b"'],
  ],
  [
    ["status", "--meta", ""],
    ["--meta", "host:port"],
  ],
  [
    ["why", "orders", "--limit", "65"],
    ["--limit", "1 to 64"],
  ],
  [
    ["why", "a b"],
    ["service", '"a b"'],
  ],
  [
    ["dev", "--sessions", "0"],
    ["--sessions", "1 to 10"],
  ],
  [
    ["dev", "--data", "many"],
    ["--data", "whole number"],
  ],
  [
    ["dev", "--port", "70000"],
    ["port", "70000", "0 to 65535"],
  ],
  [
    ["dev", "--log-level", "loud"],
    ["loud", "debug, info, warn, error, silent"],
  ],
  [
    ["dev", "--host", "0.0.0.0"],
    ["0.0.0.0", "--insecure"],
  ],
])("%j ends with code 2 and one line that says what is wrong", async (args, words) => {
  const { code, stdout, stderr } = await runRollcall(args).ended;
  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^rollcall: [^\n]+\n$/);
  for (const word of words) expect(stderr).toContain(word);
});

test("the server may come from the environment, where the flag wins", async () => {
  const fromEnvironment = await runRollcall(["resolve", "orders"], { ROLLCALL_SERVER: "nowhere" }).ended;
  expect(fromEnvironment.stderr).toContain('"nowhere"');
  const fromFlag = await runRollcall(["resolve", "a", "--server", "here"], { ROLLCALL_SERVER: "nowhere" }).ended;
  expect(fromFlag.stderr).toContain('"here"');
});

// Nothing listens on port 1.
test.each([
  ["register", "orders", "127.0.0.1:8080", "--server", "127.0.0.1:1"],
  ["watch", "orders", "--server", "127.0.0.1:1"],
  ["resolve", "orders", "--server", "127.0.0.1:1"],
  ["services", "--server", "127.0.0.1:1"],
  ["status", "--meta", "127.0.0.1:1"],
  ["why", "orders", "--meta", "127.0.0.1:1"],
])("%s without a registry ends with code 1 at once and says how to get one", async (...args) => {
  const { code, stdout, stderr } = await runRollcall(args).ended;
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/^rollcall: no (registry|meta node) at 127\.0\.0\.1:1 [^\n]*npm start[^\n]*\n$/);
});
