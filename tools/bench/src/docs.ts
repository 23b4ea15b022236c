/** `npm run bench:docs`: puts the results that are kept in docs/benchmarks into docs/benchmarks.md, and draws them. */

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { readResults } from "./harness/results.ts";
import { pageWith } from "./report/page.ts";
import { plotsOf } from "./report/plots.ts";

const docs = fileURLToPath(new URL("../../../docs/", import.meta.url));
const path = `${docs}benchmarks.md`;
const results = readResults(`${docs}benchmarks`);
writeFileSync(path, pageWith(readFileSync(path, "utf8"), results));
for (const { name, svg } of plotsOf(results)) writeFileSync(`${docs}benchmarks/${name}`, svg);
