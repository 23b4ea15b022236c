import { posix } from "node:path";
import { isTest, isTypeScript, projectOf, type Finding, type RepositoryFile, type Rule } from "../repository.ts";
import { importsOf } from "../syntax.ts";
import { readManifests, type Manifest } from "./manifests.ts";

const ownIndex: Rule = {
  name: "no file imports its own package's index",
  check: (files) => {
    const manifests = readManifests(files);
    return files
      .filter((file) => isTypeScript(file.path) && !isTest(file.path))
      .flatMap((file) => {
        const project = projectOf(file.path);
        const name = manifests.find((manifest) => manifest.project === project)?.name;
        return importsOf(file)
          .filter(({ from }) => {
            const target = posix.join(posix.dirname(file.path), from);
            const byPath = from.startsWith(".") && target === `${project}/src/index.ts`;
            // The platform entries of the SDK are packages in all but name: they stand beside its heart.
            const besideIt = /^packages\/sdk\/src\/(node|web|testing)\//.test(file.path);
            return (byPath && !besideIt) || (name !== undefined && (from === name || from.startsWith(`${name}/`)));
          })
          .map(({ from, line }) => ({
            path: file.path,
            line,
            message: `"${from}" is this package's own entry: import the file that has it, or imports run in circles`,
          }));
      });
  },
};

const cycles: Rule = {
  name: "no import cycles at run time",
  check: (files) => {
    const targets = new Map(
      files.filter((file) => isTypeScript(file.path)).map((file) => [file.path, runtimeTargets(file, files)]),
    );
    return [...findCycles(targets)].map((cycle) => ({
      path: cycle[0] ?? "",
      line: 1,
      message: `${[...cycle, cycle[0]].join(" -> ")}: move what both need into a file of its own, or use "import type"`,
    }));
  },
};

function runtimeTargets(file: RepositoryFile, files: readonly RepositoryFile[]): string[] {
  const manifests = readManifests(files);
  return importsOf(file)
    .filter((found) => found.runtime)
    .map(({ from }) => (from.startsWith(".") ? posix.join(posix.dirname(file.path), from) : entryFile(from, manifests)))
    .filter((target) => target !== undefined);
}

function entryFile(from: string, manifests: readonly Manifest[]): string | undefined {
  for (const manifest of manifests) {
    if (from !== manifest.name && !from.startsWith(`${manifest.name}/`)) continue;
    const source = manifest.sourceOf(`.${from.slice(manifest.name.length)}`);
    if (source !== undefined) return posix.join(manifest.project, source);
  }
  return undefined;
}

/** Each cycle once: as the path a depth-first walk closes. */
export function findCycles(targets: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const finished = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    const at = path.indexOf(file);
    if (at >= 0) found.push(path.slice(at));
    if (at >= 0 || finished.has(file)) return;
    path.push(file);
    for (const target of targets.get(file) ?? []) visit(target);
    path.pop();
    finished.add(file);
  };
  for (const file of targets.keys()) visit(file);
  return found;
}

const declared: Rule = {
  name: "what is imported is declared",
  check: (files) => {
    const manifests = readManifests(files);
    const shared = manifests.find((manifest) => manifest.project === "")?.devDependencies ?? {};
    return files
      .filter((file) => isTypeScript(file.path))
      .flatMap((file): Finding[] => {
        const manifest = manifests.find((candidate) => candidate.project === projectOf(file.path));
        if (manifest === undefined) return [];
        const shipped = /^(packages|apps)\/[^/]+\/src\//.test(file.path);
        const known = shipped
          ? { ...manifest.peerDependencies, ...manifest.dependencies }
          : { ...shared, ...manifest.devDependencies, ...manifest.dependencies, [manifest.name]: "" };
        return importsOf(file)
          .filter(({ from }) => !from.startsWith(".") && !from.startsWith("node:"))
          .map(({ from, line }) => ({ line, name: /^(@[^/]+\/)?[^/]+/.exec(from)?.[0] ?? from }))
          .filter(({ name }) => !(name in known))
          .map(({ name, line }) => ({
            path: file.path,
            line,
            message: `"${name}" is not among the ${shipped ? "dependencies" : "dependencies or devDependencies"} of ${manifest.name}: declare it there, with an exact version`,
          }));
      });
  },
};

export const importRules: readonly Rule[] = [ownIndex, cycles, declared];
