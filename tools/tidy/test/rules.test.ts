import { expect, test } from "vitest";
import type { RepositoryFile } from "../src/repository.ts";
import { rules } from "../src/rules.ts";
import { fileLength } from "../src/rules/shape.ts";

/** Files by path. `bad` breaks the rule it stands under; `fine` comes close and does not. */
type Sample = Readonly<Record<string, string>>;

const manifest = (name: string, more: object = {}): string => JSON.stringify({ name, ...more });
const core = manifest("@rollcall/core", {
  exports: { ".": { "@rollcall/source": "./src/index.ts" } },
  dependencies: { zod: "4.6.7" },
});

const samples: Readonly<Record<string, { readonly bad: readonly Sample[]; readonly fine: readonly Sample[] }>> = {
  "the registry's words, and no others": {
    bad: [
      { "packages/core/src/publisher-store.ts": "" },
      { "packages/core/src/a.ts": "export interface A { readonly ttlMs: number }" },
      { "packages/core/src/a.ts": "export function f(dataInfoId: string) { return dataInfoId; }" },
      { "packages/core/src/a.ts": 'export type Kind = "lease" | "ephemeral";' },
      { "apps/meta/src/a.ts": "const { endpoint } = x;" },
      { "packages/protocol/proto/a.proto": "message A {\n  int64 revision = 1;\n}" },
    ],
    fine: [
      {
        "packages/core/src/a.ts":
          'import { timestampNow } from "x";\nexport const termination = timestampNow({ timestamp: 1 });',
      },
      {
        "packages/protocol/proto/a.proto": "// No revision here.\nmessage A {\n  google.protobuf.Timestamp at = 1;\n}",
      },
      { "packages/testing/src/network.ts": "export function partition() {}" },
    ],
  },
  "a source file has at most 350 lines": {
    bad: [{ "packages/core/src/a.ts": "//\n".repeat(351) }],
    fine: [{ "packages/core/src/a.ts": "//\n".repeat(350), "packages/core/test/a.test.ts": "//\n".repeat(900) }],
  },
  "file names are kebab-case": {
    bad: [{ "packages/core/src/leaseTable.ts": "" }, { "packages/core/src/lease_table.ts": "" }],
    fine: [{ "packages/core/src/lease-table.ts": "", "packages/core/test/lease-table.test.ts": "" }],
  },
  "names say how, not Impl, Manager, Helper or Util": {
    bad: [
      { "packages/core/src/a.ts": "class DatumStoreImpl {}" },
      { "packages/core/src/a.ts": "interface SlotManager {}" },
      { "packages/core/src/string-utils.ts": "" },
      { "packages/core/src/helpers/a.ts": "" },
    ],
    fine: [{ "packages/core/src/a.ts": "class MemoryDatumStore {}\ninterface Implied {}" }],
  },
  "no enum, no default export, no export *": {
    bad: [
      { "packages/core/src/a.ts": "export enum A { B }" },
      { "packages/core/src/a.ts": "export default 1;" },
      { "packages/core/src/a.ts": 'export * from "./b.ts";' },
    ],
    fine: [
      {
        "packages/core/vitest.config.ts": "export default 1;",
        "packages/core/src/a.ts": 'export { b } from "./b.ts";',
      },
    ],
  },
  "no module-level let": {
    bad: [{ "packages/core/src/a.ts": "let count = 0;" }, { "packages/core/src/a.ts": "export let count = 0;" }],
    fine: [{ "packages/core/src/a.ts": "const a = () => { let count = 0; return ++count; };" }],
  },
  "no file imports its own package's index": {
    bad: [
      { "packages/core/package.json": core, "packages/core/src/a/b.ts": 'import type { A } from "../index.ts";' },
      {
        "packages/core/package.json": manifest("@rollcall/core", { dependencies: { "@rollcall/core": "0.1.0" } }),
        "packages/core/src/a.ts": 'import { a } from "@rollcall/core";',
      },
    ],
    fine: [
      {
        "packages/core/package.json": core,
        "packages/core/src/a.ts": 'import { b } from "./b.ts";',
        "packages/core/test/a.test.ts": 'import { a } from "../src/index.ts";',
      },
    ],
  },
  "no import cycles at run time": {
    bad: [
      {
        "packages/core/src/a.ts": 'import { b } from "./b.ts";',
        "packages/core/src/b.ts": 'export { a } from "./a.ts";',
      },
      {
        "packages/core/package.json": core,
        "packages/core/src/index.ts": 'export { a } from "./a.ts";',
        "packages/core/src/a.ts": 'import { r } from "../../runtime/src/r.ts";',
        "packages/runtime/package.json": manifest("@rollcall/runtime", { dependencies: { "@rollcall/core": "0.1.0" } }),
        "packages/runtime/src/r.ts": 'import { a } from "@rollcall/core";',
      },
    ],
    fine: [
      {
        "packages/core/src/a.ts": 'import { b } from "./b.ts";',
        "packages/core/src/b.ts": 'import type { A } from "./a.ts";',
      },
    ],
  },
  "what is imported is declared": {
    bad: [
      { "packages/core/package.json": core, "packages/core/src/a.ts": 'import { p } from "pino";' },
      {
        "package.json": manifest("root", { devDependencies: { vitest: "5.1.0" } }),
        "packages/core/package.json": core,
        "packages/core/src/a.ts": 'import { test } from "vitest";',
      },
    ],
    fine: [
      {
        "package.json": manifest("root", { devDependencies: { vitest: "5.1.0" } }),
        "packages/core/package.json": core,
        "packages/core/src/a.ts":
          'import { z } from "zod";\nimport { readFile } from "node:fs";\nimport { mini } from "zod/mini";',
        "packages/core/test/a.test.ts": 'import { test } from "vitest";',
      },
    ],
  },
  "dependencies are pinned exactly": {
    bad: [
      { "packages/core/package.json": manifest("a", { dependencies: { zod: "^4.6.7" } }) },
      { "package.json": manifest("a", { devDependencies: { nx: "latest" } }) },
    ],
    fine: [
      {
        "package.json": manifest("a", {
          dependencies: { zod: "4.6.7", x: "1.0.0-rc.1" },
          peerDependencies: { y: ">=1" },
        }),
      },
    ],
  },
  "the lockfile holds no registry's URLs": {
    bad: [{ "package-lock.json": '{ "a": { "resolved": "https://example.com/a.tgz" } }' }],
    fine: [
      { "package-lock.json": '{ "a": { "resolved": "packages/core", "funding": { "url": "https://example.com" } } }' },
    ],
  },
  "no notes to self": {
    bad: [{ "packages/core/src/a.ts": "// TODO: later" }, { "README.md": "FIXME" }],
    fine: [{ "packages/core/src/a.ts": "// todo lists are a service too" }],
  },
  "relative links in Markdown lead somewhere": {
    bad: [{ "docs/a.md": "[b](b.md)" }, { "README.md": "[b](./docs/b.md#part)" }],
    fine: [
      {
        "docs/a.md": "[root](../README.md) [folder](..) [web](https://example.com/x) [here](#part) `[x](y)`",
        "README.md": "[docs](docs/)",
      },
    ],
  },
  "nothing names a private host or a path of somebody's machine": {
    bad: [
      { "docs/a.md": "see /home/someone/rollcall" },
      { "packages/core/src/a.ts": 'const a = "/Users/someone";' },
      { ".npmrc": "registry=https://registry.example.com/" },
      { "docs/a.md": "http://builds.example.internal/1" },
    ],
    fine: [{ "docs/a.md": "GET /v1/root/x, https://example.com/home/someone, http://localhost:8080" }],
  },
  "every test runs, and none waits for time to pass": {
    bad: [
      { "packages/core/test/a.test.ts": 'test.only("a", () => {});' },
      { "packages/core/test/a.test.ts": 'describe.skip("a", () => {});' },
      { "packages/core/test/a.test.ts": "await new Promise((resolve) => setTimeout(resolve, 100));" },
      { "e2e/cluster/test/cluster.ts": 'import { setTimeout as wait } from "node:timers/promises";' },
    ],
    fine: [
      {
        "packages/core/test/a.test.ts":
          'const t = setTimeout(() => fail("too late"), 5000);\ntest("skip nothing, only this", () => {});',
      },
    ],
  },
  "tests lie in test/ and are named *.test.ts": {
    bad: [{ "packages/core/src/a.test.ts": "" }, { "packages/core/test/a.spec.ts": "" }],
    fine: [{ "packages/core/test/deep/a.test.ts": "" }],
  },
};

const filesOf = (sample: Sample): RepositoryFile[] => Object.entries(sample).map(([path, text]) => ({ path, text }));

test("every rule has a sample that breaks it", () => {
  expect(Object.keys(samples)).toEqual(rules.map((rule) => rule.name));
});

test.each(rules)("fires: $name", (rule) => {
  for (const sample of samples[rule.name]?.bad ?? []) {
    const broken = rules
      .filter((candidate) => candidate.check(filesOf(sample)).length > 0)
      .map((candidate) => candidate.name);
    expect(broken, JSON.stringify(sample)).toContain(rule.name);
  }
});

test.each(rules)("keeps quiet: $name", (rule) => {
  for (const sample of samples[rule.name]?.fine ?? []) {
    expect(rule.check(filesOf(sample)), JSON.stringify(sample)).toEqual([]);
  }
});

test("a longer file may not grow, and its number follows when it shrinks", () => {
  const rule = fileLength(new Map([["packages/core/src/a.ts", 400]]));
  const check = (lines: number): number =>
    rule.check([{ path: "packages/core/src/a.ts", text: "//\n".repeat(lines) }]).length;
  expect([401, 400, 380, 379, 350].map(check)).toEqual([1, 0, 0, 1, 1]);
  expect(rule.check([])).toHaveLength(1);
});
