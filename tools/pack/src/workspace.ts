/** The projects of this repository, as their manifests describe them. */

import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** The export condition that leads to a project's sources. */
export const SOURCE = "@rollcall/source";

type Versions = Readonly<Record<string, string>>;

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly keywords?: readonly string[];
  readonly exports?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly bin?: Versions;
  readonly dependencies?: Versions;
  readonly peerDependencies?: Versions;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
  readonly engines: Versions;
}

export interface Project {
  /** Absolute. */
  readonly folder: string;
  readonly manifest: Manifest;
}

/** Everything that ships, by name. */
export function readProjects(): ReadonlyMap<string, Project> {
  const manifests = globSync("{packages,apps}/*/package.json", { cwd: ROOT });
  return new Map(
    manifests.map((path) => {
      const manifest = JSON.parse(readFileSync(join(ROOT, path), "utf8")) as Manifest;
      return [manifest.name, { folder: join(ROOT, dirname(path)), manifest }];
    }),
  );
}

/** `zod` of `zod/mini`, `@a/b` of `@a/b/c`. */
export function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

export function projectOf(specifier: string, projects: ReadonlyMap<string, Project>): Project | undefined {
  return projects.get(packageOf(specifier));
}

/** What an entry of a project (`@rollcall/runtime/stream`) is under a condition, absolute. */
export function entryOf(specifier: string, { folder, manifest }: Project, condition: string): string {
  const target = manifest.exports?.[`.${specifier.slice(manifest.name.length)}`]?.[condition];
  if (target === undefined) throw new Error(`${specifier} is no entry with the condition ${condition}`);
  return join(folder, target);
}
