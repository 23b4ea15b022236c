/** The manifest of a package: what its project says, with what it is made of in the place of how it is made here. */

import type { Manifest } from "./workspace.ts";

export interface Contents {
  /** Entry (`.`, `./testing`) to its code and its types, from the package's folder. */
  readonly entries: ReadonlyMap<string, { readonly code: string; readonly types: string }>;
  /** Command to its code. */
  readonly commands: ReadonlyMap<string, string>;
  /** Packages of others that code and types import. */
  readonly externals: ReadonlySet<string>;
}

export function publishedManifest(
  manifest: Manifest,
  { entries, commands, externals }: Contents,
  versionOf: (name: string) => string,
): object {
  const { name, version, description, license, keywords, engines } = manifest;
  const { peerDependencies = {}, peerDependenciesMeta = {} } = manifest;
  const needed = [...externals].filter((external) => !(external in peerDependencies)).toSorted();
  return {
    name,
    version,
    description,
    license,
    ...(keywords === undefined ? {} : { keywords }),
    type: "module",
    ...(commands.size === 0 ? {} : { bin: Object.fromEntries(commands) }),
    exports: {
      ...Object.fromEntries([...entries].map(([entry, { code, types }]) => [entry, { types, default: code }])),
      "./package.json": "./package.json",
    },
    files: ["dist"],
    // A command is run and not imported.
    sideEffects: commands.size === 0 ? false : [...commands.values()],
    dependencies: Object.fromEntries(needed.map((external) => [external, versionOf(external)])),
    ...(Object.keys(peerDependencies).length === 0 ? {} : { peerDependencies, peerDependenciesMeta }),
    engines,
  };
}
