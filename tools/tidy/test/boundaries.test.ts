import { spawnSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

/**
 * oxlint ignores in silence a pattern it does not understand, and a later override replaces an earlier one. So the
 * boundaries are tried: a workspace of the same shape, in which every line but those marked `// fine` must be refused.
 */
const root = fileURLToPath(new URL("../../../", import.meta.url));

const logic = `
import "node:fs";
import "fs";
import "zod";
import "@rollcall/runtime";
import "@rollcall/sdk";
import "@rollcall/sdk/heart";
import "@rollcall/testing";
import "@rollcall/session";
import "@rollcall/data/main";
import "@rollcall/core/src/slot.ts";
import "../../../core/src/slot.ts";
Date.now();
new Date();
performance.now();
setTimeout(f, 1);
setInterval(f, 1);
setImmediate(f);
globalThis.setTimeout(f, 1);
Math.random();
crypto.randomUUID();
globalThis.crypto.randomUUID();
process.exit();
import "./neighbour.ts"; // fine
`;
const edge = `
import "@rollcall/core"; // fine
import "@rollcall/protocol"; // fine
import "@rollcall/cluster"; // fine
import "@rollcall/runtime"; // fine
import "@rollcall/runtime/stream"; // fine
import "zod"; // fine
import "node:fs"; // fine
Date.now(); // fine
import "@rollcall/session";
import "@rollcall/meta/main";
import "@rollcall/sdk";
import "@rollcall/testing";
import "../../../data/src/server.ts";
`;
const without = (text: string, ...lines: string[]): string =>
  text
    .split("\n")
    .filter((line) => !lines.includes(line))
    .join("\n");

const sources: Readonly<Record<string, string>> = {
  "packages/core/src/a.ts": `${logic}import "@rollcall/core";\nimport "@rollcall/protocol";`,
  "packages/protocol/src/a.ts": `
import "@rollcall/core"; // fine
import "@bufbuild/protobuf"; // fine
import "@rollcall/protocol";
import "@rollcall/runtime";
import "node:fs";
import "fs";`,
  "packages/tracing/src/a.ts": `
import "@rollcall/core"; // fine
import "@opentelemetry/api"; // fine
import "@rollcall/protocol";
import "node:fs";
Date.now();`,
  "packages/runtime/src/a.ts": `
import "@rollcall/core"; // fine
import "@rollcall/tracing"; // fine
import "node:fs"; // fine
import "@rollcall/protocol";
import "@rollcall/sdk";
import "@rollcall/session";`,
  "packages/sdk/src/a.ts": `${without(logic, 'import "zod";')}
import "@rollcall/core"; // fine
import "@rollcall/protocol"; // fine
import "@rollcall/runtime/stream";
import "./node/index.ts";`,
  "packages/sdk/src/testing/a.ts": `${without(logic, 'import "zod";')}
import "@rollcall/core"; // fine
import "../client.ts"; // fine
import "../node/index.ts";`,
  "packages/sdk/src/testing/ports.ts": `
setTimeout(f, 1); // fine
performance.now(); // fine
import "node:timers";
import "@rollcall/runtime/stream";`,
  "packages/sdk/src/node/a.ts": `
import "@rollcall/core"; // fine
import "@rollcall/runtime/stream"; // fine
import "@rollcall/tracing"; // fine
import "node:fs"; // fine
import "../index.ts"; // fine
setTimeout(f, 1); // fine
import "@rollcall/runtime";
import "@rollcall/testing";`,
  "packages/cluster/src/a.ts": `${without(logic, 'import "zod";')}import "@rollcall/core"; // fine\nimport "@rollcall/protocol"; // fine`,
  "packages/testing/src/a.ts": `${without(logic, 'import "zod";')}import "@rollcall/core"; // fine\nimport "@rollcall/protocol"; // fine`,
  "apps/session/src/server.ts": edge,
  "apps/session/src/rpc/a.ts": `${edge}import "../leases/a.ts"; // fine\nimport "../server.ts"; // fine`,
  "apps/session/src/peers/a.ts": `${edge}import "../ports.ts"; // fine\nimport "../rpc/a.ts";\nimport "../server.ts";`,
  "apps/session/src/leases/a.ts": `${logic}
import "@rollcall/core"; // fine
import "../ports.ts"; // fine
import "../other/b.ts"; // fine
import "@rollcall/protocol";
import "@rollcall/cluster";
import "@rollcall/runtime/stream";
import "../rpc/a.ts";
import "../peers/a.ts";
import "../server.ts";
import "../config.ts";
import type { A } from "../server.ts";
export { b } from "../peers/b.ts";
import("../rpc/b.ts");`,
  "apps/cli/src/a.ts": `
import "@rollcall/session"; // fine
import "@rollcall/sdk"; // fine
import "@rollcall/data/parts";
import "@rollcall/testing";`,
  "e2e/simulation/src/a.ts": `
import "@rollcall/session"; // fine
import "@rollcall/testing"; // fine
import "@rollcall/data/parts";
import "../../../apps/session/src/server.ts";`,
  "e2e/simulation/test/mutants-a.ts": `
import "@rollcall/session"; // fine
import "@rollcall/data/parts"; // fine
import "@rollcall/sdk/parts"; // fine
import "../../../apps/data/src/storage.ts";`,
  "apps/data/test/a.test.ts": `
import "../src/storage.ts"; // fine
import "@rollcall/data/parts";`,
};

const workspace = mkdtempSync(join(tmpdir(), "boundaries-"));
const refused = new Map<string, Set<number>>();

beforeAll(() => {
  symlinkSync(`${root}node_modules`, join(workspace, "node_modules"));
  for (const path of [
    "oxlint.config.ts",
    ...globSync("{packages,apps,e2e,tools,examples}/*/package.json", { cwd: root }),
  ]) {
    cpSync(root + path, join(workspace, path));
  }
  for (const [path, text] of Object.entries(sources)) {
    mkdirSync(dirname(join(workspace, path)), { recursive: true });
    writeFileSync(join(workspace, path), text);
  }
  const linted = spawnSync(`${root}node_modules/.bin/oxlint`, ["-f", "unix", "packages", "apps", "e2e"], {
    cwd: workspace,
    encoding: "utf8",
  });
  for (const [, path = "", line] of linted.stdout.matchAll(/^(?:\.\/)?(\S+?):(\d+):\d+: .*no-restricted-/gm)) {
    refused.set(path, (refused.get(path) ?? new Set()).add(Number(line)));
  }
});

afterAll(() => {
  rmSync(workspace, { recursive: true });
});

test.each(Object.keys(sources))("%s may import and touch only what its folder may", (path) => {
  const lines = (sources[path] ?? "").split("\n");
  const unexpected = lines.filter(
    (line, at) => line !== "" && (refused.get(path)?.has(at + 1) ?? false) === line.endsWith("// fine"),
  );
  expect(unexpected).toEqual([]);
});
