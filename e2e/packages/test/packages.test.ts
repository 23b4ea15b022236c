// The packages as users get them: packed, installed into an empty project, imported, compiled against and run.

import { execFile } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { publint } from "publint";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";

import { Consumer, nodeTypes } from "../src/consumer.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

let consumer: Consumer;

beforeAll(async () => {
  consumer = await Consumer.create();
});

afterAll(() => consumer?.remove());

test("nothing is published as it is here: the packages are made", () => {
  const manifests = globSync("{packages,apps,e2e,tools,examples}/*/package.json", { cwd: ROOT });
  const published = manifests.filter((path) => !/"private": true/.test(readFileSync(ROOT + path, "utf8")));
  expect(published).toEqual([]);
});

test("what is declared is what is needed: two of ours, nothing missing and nothing left over", async () => {
  const { dependencies } = JSON.parse(await consumer.runs("npm", "ls", "--all", "--json")) as {
    dependencies: Record<string, unknown>;
  };
  expect(Object.keys(dependencies).toSorted()).toEqual(["@rollcall/sdk", "rollcall"]);
  const ours = globSync("node_modules/{@rollcall/*,rollcall}", { cwd: consumer.folder });
  expect(ours.toSorted()).toEqual(["node_modules/@rollcall/sdk", "node_modules/rollcall"]);
});

test("a package holds code, types, license and a page to read, and no sources", () => {
  for (const { name } of consumer.packages) {
    const files = globSync("**/*.*", { cwd: `${consumer.folder}/node_modules/${name}` });
    expect(files).toEqual(expect.arrayContaining(["package.json", "README.md"]));
    expect(files.filter((file) => !/(^dist\/.*\.js|\.d\.ts|^README\.md|^package\.json)$/.test(file))).toEqual([]);
    expect(readFileSync(`${consumer.folder}/node_modules/${name}/LICENSE`, "utf8")).toContain("Apache License");
  }
});

test("publint finds nothing", async () => {
  for (const { name, folder } of consumer.packages) {
    const { messages } = await publint({ pkgDir: folder, level: "suggestion", strict: true });
    expect([name, messages]).toEqual([name, []]);
  }
});

test("the types of every entry are found by every resolution that can import ES modules", async () => {
  for (const { tarball, entries } of consumer.packages) {
    const args = ["--profile", "esm-only", "--no-color", "--format", "table-flipped", tarball];
    // It ends with an error when it finds one.
    const { stdout } = await run(`${ROOT}node_modules/.bin/attw`, args);
    for (const entry of entries) expect(stdout).toContain(`"${entry}"`);
  }
});

test("every entry can be imported, and required", async () => {
  const names = JSON.stringify(consumer.entries);
  const check = (load: string): string =>
    `for (const name of ${names}) console.log(name, Object.keys(${load}).length > 0);`;
  consumer.write("import.mjs", check("await import(name)"));
  consumer.write("require.cjs", check("require(name)"));
  const all = consumer.entries.map((entry) => `${entry} true\n`).join("");
  expect(await consumer.runs(process.execPath, "import.mjs")).toBe(all);
  expect(await consumer.runs(process.execPath, "require.cjs")).toBe(all);
});

/** A program that takes hold of every entry, and of what it will most likely be used for. */
const program = (imports: (name: string, entry: string) => string): string => `
${consumer.entries.map((entry, index) => imports(`entry${index}`, entry)).join("\n")}
${imports("sdk", "@rollcall/sdk")}
export const used = [${consumer.entries.map((_, index) => `entry${index}`).join(", ")}];
export async function use(): Promise<readonly string[]> {
  await using client: import("@rollcall/sdk", { with: { "resolution-mode": "import" } }).Client = sdk.createClient({ servers: ["a:1"] });
  const registration = await client.register({ service: "orders", address: "a:1", metadata: { version: "1" } });
  const version: number = registration.version!.counter;
  client.on("connected", ({ server }) => void server.toUpperCase());
  const { instances } = await client.resolve("orders", { metadata: { version: [String(version)] } });
  return instances.map(({ address }) => address);
}`;

const importAll = (name: string, entry: string): string => `import * as ${name} from "${entry}";`;
const importLate = (name: string, entry: string): string => `const ${name} = import("${entry}");`;

test.each([
  ["nodenext.mts", { module: "nodenext" }],
  ["node16.mts", { module: "node16" }],
  ["nodenext-commonjs.cts", { module: "nodenext" }],
  ["bundler.ts", { module: "esnext", moduleResolution: "bundler" }],
] as const)("the types are right for %s", async (file, options) => {
  consumer.write(file, program(importAll));
  expect(await consumer.complaints(file, { ...options, ...nodeTypes, lib: ["es2024", "dom"] })).toBe("");
});

test("from CommonJS under node16, where only a late import leads to an ES module, the types are right, too", async () => {
  const text = consumer.entries.map((entry, index) => importLate(`entry${index}`, entry)).join("\n");
  consumer.write(
    "late.cts",
    `${text}\nexport const sdk = import("@rollcall/sdk").then(({ createClient }) => createClient);`,
  );
  expect(await consumer.complaints("late.cts", { module: "node16", ...nodeTypes, lib: ["es2024", "dom"] })).toBe("");
});

test("a use that is wrong is found", async () => {
  consumer.write("wrong.mts", `import { createClient } from "@rollcall/sdk";\ncreateClient({ servers: 9600 });`);
  expect(await consumer.complaints("wrong.mts", { module: "nodenext", ...nodeTypes })).toContain("readonly string[]");
});

test("the types of what runs in browsers need nothing of Node", async () => {
  const entries = consumer.entries.filter(
    (entry) => /\/(web|fetch|heart|testing)$/.test(entry) && entry.startsWith("@rollcall/sdk"),
  );
  expect(entries.length).toBeGreaterThan(2);
  const text = entries.map((entry, index) => `export * as entry${index} from "${entry}";`).join("\n");
  consumer.write("browser.ts", text);
  const options = {
    module: "esnext",
    moduleResolution: "bundler",
    types: [],
    lib: ["es2024", "dom", "esnext.disposable"],
  };
  expect(await consumer.complaints("browser.ts", options)).toBe("");
});

test("`npx rollcall dev` brings up a registry that a program with the SDK finds", async () => {
  const dev = consumer.start("npx", "--no-install", "rollcall", "dev", "--port", "0");
  onTestFinished(() => dev.drop());
  const server = await vi.waitFor(() => {
    const found = /watch orders --server (\S+)/.exec(dev.output)?.[1];
    if (found === undefined) throw new Error(`not ready:\n${dev.output}`);
    return found;
  }, 30_000);
  consumer.write(
    "provide.mjs",
    `import { createClient } from "@rollcall/sdk";
const client = createClient({ servers: ["${server}"] });
await client.register({ service: "orders", address: "10.0.0.1:80" });
const { instances } = await client.resolve("orders");
console.log(instances[0].address);
await client.close();`,
  );
  expect(await consumer.runs(process.execPath, "provide.mjs")).toBe("10.0.0.1:80\n");
  const version = await consumer.runs("npx", "--no-install", "rollcall", "--version");
  expect(version.trim()).toBe(consumer.packages[1]!.manifest.version);
  const { output } = await dev.interrupt();
  expect(output).toContain("Rollcall has stopped.");
});

test("the registry in memory, and a cluster in the same process, serve a user's tests", async () => {
  consumer.write(
    "tests.mjs",
    `import { RegistryError } from "@rollcall/sdk";
import { createMemoryRegistry } from "@rollcall/sdk/testing";
import { startCluster } from "rollcall/testing";
for (const registry of [createMemoryRegistry(), await startCluster({ sessions: 2 })]) {
  const shown = [];
  registry.client().subscribe("orders").onChange(({ instances }) => shown.push(instances.length));
  void registry.client().register({ service: "orders", address: "10.0.0.1:80" });
  await registry.flush();
  console.log(shown.at(-1));
  await registry.close();
}
await startCluster({ data: 0 }).catch((error) => console.log(error instanceof RegistryError, error.reason));`,
  );
  expect(await consumer.runs(process.execPath, "tests.mjs")).toBe("1\n1\ntrue invalid_field\n");
});
