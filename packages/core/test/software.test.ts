import { readFileSync } from "node:fs";

import { expect, test } from "vitest";
import { SOFTWARE_VERSION } from "../src/software.ts";

test("the version that nodes say is that of the package", () => {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  expect(JSON.parse(manifest)).toMatchObject({ version: SOFTWARE_VERSION });
});
