/** The code of a package: one file for each entry, and what they share beside it, with everything of ours in it. */

import { rolldown } from "rolldown";

import { SOURCE, packageOf } from "./workspace.ts";

export interface Bundle {
  /** Packages of others that the code imports. */
  readonly externals: ReadonlySet<string>;
}

/**
 * @param inputs file name, without its ending, to the source it is made of
 * @param commands which of these are run by their name
 * @param isOurs whether what a specifier names becomes part of the package
 */
export async function bundle(
  folder: string,
  inputs: ReadonlyMap<string, string>,
  commands: readonly string[],
  isOurs: (specifier: string) => boolean,
): Promise<Bundle> {
  await using build = await rolldown({
    input: Object.fromEntries(inputs),
    // What is Node's stays an import; what runs anywhere must not be given polyfills.
    platform: "neutral",
    resolve: { conditionNames: [SOURCE] },
    external: (specifier) => isBare(specifier) && !isOurs(specifier),
  });
  const { output } = await build.write({
    dir: folder,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "[name]-[hash].js",
    banner: ({ isEntry, name }) => (isEntry && commands.includes(name) ? "#!/usr/bin/env node" : ""),
  });
  const written = new Set(output.map(({ fileName }) => fileName));
  const imported = output.flatMap((file) => (file.type === "chunk" ? [...file.imports, ...file.dynamicImports] : []));
  const externals = imported.filter((specifier) => !written.has(specifier) && !specifier.startsWith("node:"));
  return { externals: new Set(externals.map(packageOf)) };
}

function isBare(specifier: string): boolean {
  return !/^(\.|\/|[A-Za-z]:[\\/])/.test(specifier);
}
