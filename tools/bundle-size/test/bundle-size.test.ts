import { gzipSync } from "node:zlib";

import { describe, expect, test } from "vitest";

import { bundle, type BundleOptions } from "../src/bundle.ts";

interface Entry {
  readonly name: string;
  readonly platform: BundleOptions["platform"];
  readonly program: string;
  /** Kilobytes of 1,000 bytes, minified and compressed with gzip, that it may weigh. Far above what it weighs: */
  readonly gzipMaxKb: number;
}

const entries: readonly Entry[] = [
  {
    name: "@rollcall/sdk/web",
    platform: "browser",
    program: `import { createClient } from "@rollcall/sdk/web"; console.log(createClient);`,
    // A second, once, for a phone on a slow network.
    gzipMaxKb: 70,
  },
  {
    name: "@rollcall/sdk",
    platform: "node",
    program: `import { createClient } from "@rollcall/sdk"; console.log(createClient);`,
    // Read from a disk: a bound that only a mistake exceeds, such as a server's code in it.
    gzipMaxKb: 90,
  },
];

describe.each(entries)("$name", ({ name, platform, program, gzipMaxKb }) => {
  test(`weighs less than ${gzipMaxKb} KB`, async () => {
    const { code } = await bundle(program, { platform, minify: true });
    const plainKb = code.length / 1_000;
    const gzipKb = gzipSync(code, { level: 9 }).length / 1_000;
    process.stdout.write(`${name}: ${plainKb.toFixed(1)} KB minified, ${gzipKb.toFixed(1)} KB with gzip\n`);
    expect(gzipKb).toBeLessThan(gzipMaxKb);
  });
});

test("the entry for browsers needs nothing from outside its bundle", async () => {
  const { code, imports } = await bundle(entries[0]!.program, { platform: "browser", minify: false });
  expect(imports).toEqual([]);
  expect(code).not.toMatch(/\brequire\(|from "node:/);
});

test("who imports only the error gets no client with it", async () => {
  const program = `import { RegistryError } from "@rollcall/sdk/web"; console.log(RegistryError);`;
  const { code } = await bundle(program, { platform: "browser", minify: false });
  expect(code).toContain("RegistryError");
  expect(code).not.toContain("class ConnectedClient");
});
