/**
 * `npm test`: runs every test of the workspace through nx and ends with one line, `N passed, N failed`.
 * Unit tests first, in parallel and from the cache where nothing changed; then the end-to-end tests, which are never
 * cached. Projects of those that watch the clock want the machine for themselves, and say so (`parallelism`).
 */

import { spawnSync } from "node:child_process";
import { existsSync, globSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { tallyOfProject, tallyOfRun, type Report } from "./tally.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));

interface TestedProject {
  /** Folder, from the root. */
  readonly path: string;
  readonly name: string;
  readonly target: "test" | "e2e";
  /** Test files, from the project's folder. */
  readonly files: readonly string[];
}

const projects = globSync("{packages,apps,tools,e2e,examples}/*/package.json", { cwd: root })
  .toSorted()
  .flatMap(testedProject);
const withTests = projects.filter((project) => project.files.length > 0);

for (const project of projects) rmSync(reportPath(project), { force: true });
const endedWell = [run("test", []), run("e2e", ["--parallel=2"])].every(Boolean);

const tally = tallyOfRun(
  withTests.map((project) => tallyOfProject(project.path, project.files, readReport(project))),
  { well: endedWell },
);
const without = projects.filter((project) => project.files.length === 0).map((project) => project.path);
if (without.length > 0) console.log(`Without tests: ${without.join(", ")}`);
for (const problem of tally.problems) console.log(problem);
console.log(`${tally.passed} passed, ${tally.failed} failed`);
process.exitCode = tally.failed === 0 ? 0 : 1;

function testedProject(manifestPath: string): TestedProject[] {
  const manifest = JSON.parse(readFileSync(root + manifestPath, "utf8")) as {
    readonly name: string;
    readonly scripts?: Readonly<Record<string, string>>;
  };
  const path = manifestPath.slice(0, -"/package.json".length);
  const files = globSync("test/**/*.test.ts", { cwd: root + path });
  return (["test", "e2e"] as const)
    .filter((target) => manifest.scripts?.[target] !== undefined)
    .map((target) => ({ path, name: manifest.name, target, files }));
}

/** Runs `target` where there are tests for it; true if all tasks went well. */
function run(target: TestedProject["target"], options: readonly string[]): boolean {
  const names = withTests.filter((project) => project.target === target).map((project) => project.name);
  if (names.length === 0) return true;
  const nx = `${root}node_modules/.bin/nx`;
  const selection = ["run-many", "-t", target, `--projects=${names.join(",")}`, "--output-style=static"];
  return spawnSync(nx, [...selection, ...options], { cwd: root, stdio: "inherit" }).status === 0;
}

function reportPath(project: TestedProject): string {
  return `${root}${project.path}/test-report.json`;
}

function readReport(project: TestedProject): Report | undefined {
  const path = reportPath(project);
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Report) : undefined;
}
