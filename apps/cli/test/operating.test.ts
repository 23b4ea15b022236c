// docs/operating.md against the settings that the nodes say they have.

import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { spawnRollcall } from "./terminal.ts";

const page = readFileSync(new URL("../../../docs/operating.md", import.meta.url), "utf8");

/** The rows of the table under a heading: setting and default. */
function documented(heading: string): Map<string, string> {
  const section = page.split(/^#+ /m).find((part) => part.startsWith(heading)) ?? "";
  const rows = [...section.matchAll(/^\| `(--[a-z-]+)[^|]*\| ([^|]+?) +\|/gm)];
  return new Map(rows.map(([, flag, value]) => [flag!, value!]));
}

test.each(["session", "data", "meta"])("docs/operating.md names every setting of %s and its default", async (role) => {
  const { code, stdout } = await spawnRollcall([role, "--help"]).ended;
  expect(code).toBe(0);
  // An entry begins with its flag and may go on in the next line.
  const entries = stdout
    .split(/^ {2}(?=--)/m)
    .slice(1)
    .filter((entry) => !/^--(help|config)\b/.test(entry));
  const settings = entries.map((entry): [string, string] => {
    const flag = /^--[a-z-]+/.exec(entry)![0];
    const value = entry.includes("Must be given.") ? "must be given" : (/Default (.+?)\. /.exec(entry)?.[1] ?? "none");
    return [flag, value];
  });
  expect(settings.length).toBeGreaterThan(8);
  const inDocs = new Map([...documented("Settings of every node"), ...documented(`Settings of ${role}`)]);
  expect(Object.fromEntries(inDocs)).toEqual(Object.fromEntries(settings));
});
