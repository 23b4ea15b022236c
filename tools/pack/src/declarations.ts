/**
 * The types of a package: the declaration files that its entries lead to, in however many of our projects they are,
 * copied side by side with every import of ours made a path. What a user's compiler reads is what ours has written.
 */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";

import { entryOf, packageOf, projectOf, type Project } from "./workspace.ts";

export interface Declarations {
  /** Where each entry's types are, from the package's folder. */
  readonly entries: ReadonlyMap<string, string>;
  /** Packages of others that the types name. */
  readonly externals: ReadonlySet<string>;
}

/** `from "…"`, `import "…"` and `import("…")` of a declaration file. */
const SPECIFIER = /((?:from|import)\s*\(?\s*)"([^"]+)"/g;
const SOURCE_MAP = /\n\/\/# sourceMappingURL=.*\n?$/;

/**
 * @param entries specifier of each entry, to the declaration file it has been built to
 * @param isOurs whether what a specifier names becomes part of the package
 */
export function copyDeclarations(
  target: string,
  entries: ReadonlyMap<string, string>,
  projects: ReadonlyMap<string, Project>,
  isOurs: (specifier: string) => boolean,
): Declarations {
  const externals = new Set<string>();
  const waiting = [...entries.values()];
  const copied = new Set<string>();

  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (copied.has(file)) continue;
    copied.add(file);
    const path = join(target, placeOf(file));
    const rewritten = readFileSync(file, "utf8")
      .replace(SOURCE_MAP, "\n")
      .replace(SPECIFIER, (_match, before: string, specifier: string) => `${before}"${follow(file, specifier)}"`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, rewritten);
  }
  return {
    entries: new Map([...entries].map(([specifier, file]) => [specifier, `./${placeOf(file)}`])),
    externals,
  };

  function follow(from: string, specifier: string): string {
    const file = fileOf(from, specifier);
    if (file === undefined) {
      if (!specifier.startsWith("node:")) externals.add(packageOf(specifier));
      return specifier;
    }
    waiting.push(file);
    const path = relative(dirname(placeOf(from)), placeOf(file))
      .split(sep)
      .join("/")
      .replace(/\.d\.ts$/, ".js");
    return path.startsWith(".") ? path : `./${path}`;
  }

  /** The declaration file behind a specifier; undefined when it is not ours. */
  function fileOf(from: string, specifier: string): string | undefined {
    if (specifier.startsWith(".")) return join(dirname(from), specifier.replace(/\.[jt]s$/, ".d.ts"));
    const project = projectOf(specifier, projects);
    return project !== undefined && isOurs(specifier) ? entryOf(specifier, project, "types") : undefined;
  }

  /** In the package: `dist/types/core/version.d.ts`. */
  function placeOf(file: string): string {
    for (const { folder } of projects.values()) {
      const inside = relative(join(folder, "dist"), file);
      if (!inside.startsWith("..")) return `dist/types/${basename(folder)}/${inside.split(sep).join("/")}`;
    }
    throw new Error(`${file} belongs to no project`);
  }
}
