/**
 * Makes the packages that users install. There are two: the SDK, and the command with the servers in it. Everything else
 * of ours becomes part of whichever needs it, so that nobody has to keep eight of our versions in step; what others have
 * made is imported from their own packages.
 */

import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { bundle } from "./bundle.ts";
import { copyDeclarations } from "./declarations.ts";
import { publishedManifest } from "./manifest.ts";
import { ROOT, SOURCE, entryOf, packageOf, readProjects, type Manifest, type Project } from "./workspace.ts";

export const SDK = "@rollcall/sdk";
export const COMMAND = "rollcall";

/** Code that is run and not imported: file name in the package to source in the project. */
const COMMANDS: Readonly<Record<string, { readonly [command: string]: string }>> = {
  [COMMAND]: { rollcall: "src/main.ts" },
};

export interface PackedProject {
  readonly name: string;
  /** The folder that is published. */
  readonly folder: string;
}

/** Builds both packages below `target`, whatever is there. Types are taken from what `npm run build` has written. */
export async function packAll(target: string): Promise<PackedProject[]> {
  const packed: PackedProject[] = [];
  for (const name of [SDK, COMMAND]) packed.push(await pack(name, join(target, name.replace(/^@.*\//, ""))));
  return packed;
}

async function pack(name: string, folder: string): Promise<PackedProject> {
  const projects = readProjects();
  const project = projects.get(name)!;
  // The other package stays one: who has both has one SDK.
  const isOurs = (specifier: string): boolean =>
    projects.has(packageOf(specifier)) && (packageOf(specifier) === name || packageOf(specifier) !== SDK);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });

  const published = Object.entries(project.manifest.exports ?? {}).filter(([, conditions]) => "types" in conditions);
  const entries = published.map(([entry]) => ({ entry, specifier: name + entry.slice(1), file: fileNameOf(entry) }));
  const commands = Object.entries(COMMANDS[name] ?? {});
  const inputs = new Map([
    ...entries.map(({ specifier, file }) => [file, entryOf(specifier, project, SOURCE)] as const),
    ...commands.map(([command, source]) => [command, join(project.folder, source)] as const),
  ]);
  const commandNames = commands.map(([command]) => command);
  const code = await bundle(join(folder, "dist"), inputs, commandNames, isOurs);
  const built = new Map(entries.map(({ specifier }) => [specifier, entryOf(specifier, project, "types")]));
  const types = copyDeclarations(folder, built, projects, isOurs);
  const manifest = publishedManifest(
    project.manifest,
    {
      entries: new Map(
        entries.map(({ entry, specifier, file }) => [
          entry,
          { code: `./dist/${file}.js`, types: types.entries.get(specifier)! },
        ]),
      ),
      commands: new Map(commandNames.map((command) => [command, `./dist/${command}.js`])),
      externals: new Set([...code.externals, ...types.externals]),
    },
    (external) => rangeOf(external, projects),
  );
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
  cpSync(join(ROOT, "LICENSE"), join(folder, "LICENSE"));
  cpSync(readmeOf(project), join(folder, "README.md"));
  return { name, folder };
}

/** `index` for the package itself, `testing` for `./testing`. */
function fileNameOf(entry: string): string {
  return entry === "." ? "index" : entry.slice(2).replaceAll("/", "-");
}

/** Of others anything compatible will do, so that users have one copy; our own packages belong together. */
function rangeOf(name: string, projects: ReadonlyMap<string, Project>): string {
  const own = projects.get(name);
  if (own !== undefined) return own.manifest.version;
  const versions = new Set([...projects.values()].map(({ manifest }) => versionIn(manifest, name)).filter(Boolean));
  const [version] = versions;
  if (version === undefined || versions.size > 1)
    throw new Error(`${name} is declared ${versions.size} times, each in another version: ${[...versions].join(", ")}`);
  return `^${version}`;
}

function versionIn({ dependencies, peerDependencies }: Manifest, name: string): string | undefined {
  return dependencies?.[name] ?? peerDependencies?.[name]?.replace(/^[\^~]/, "");
}

function readmeOf({ folder, manifest }: Project): string {
  const readme = join(folder, "README.md");
  if (!existsSync(readme)) throw new Error(`${manifest.name} is published and has no README.md`);
  return readme;
}
