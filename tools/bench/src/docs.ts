/** `npm run bench:docs`: puts the results that are kept in docs/benchmarks into docs/benchmarks.md. */

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { readResults } from "./harness/results.ts";
import { pageWith } from "./report/page.ts";

const docs = fileURLToPath(new URL("../../../docs/", import.meta.url));
const path = `${docs}benchmarks.md`;
writeFileSync(path, pageWith(readFileSync(path, "utf8"), readResults(`${docs}benchmarks`)));
