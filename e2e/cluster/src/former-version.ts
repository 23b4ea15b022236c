/**
 * The version before this one, which runs beside it: the commit before the last one that changed what users run, as a tree
 * of its own with the packages of others that are installed here, and its command packed as users install it.
 */

import { execFile } from "node:child_process";
import { mkdir, readFile, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** What is part of what users run. */
const PRODUCT = ["apps/*/src", "packages/*/src", "packages/*/proto"];

/** Largest archive of the sources, in bytes. */
const ARCHIVE_MAX = 256 * 1024 * 1024;

export interface FormerVersion {
  readonly commit: string;
  /** Of its sources, for programs that use its SDK. */
  readonly root: URL;
  /** The command that its package installs. */
  readonly command: URL;
}

/** Makes the former version in `folder`. */
export async function makeFormerVersion(folder: string): Promise<FormerVersion> {
  const commit = await formerCommit();
  const { stdout } = await run("git", ["archive", "--format=tar", commit], {
    cwd: ROOT,
    encoding: "buffer",
    maxBuffer: ARCHIVE_MAX,
  });
  await mkdir(folder, { recursive: true });
  const unpacked = run("tar", ["-x", "-C", folder]);
  unpacked.child.stdin!.end(stdout);
  await unpacked;
  await install(folder);
  await run(join(ROOT, "node_modules/.bin/buf"), ["generate"], { cwd: folder, env: withOurTools() });
  return { commit, root: pathToFileURL(`${folder}/`), command: await packCommand(folder) };
}

/** Bundles by that version's own tools; types, which nobody reads here, are left out. */
const BUNDLE = `
  import { bundle } from "./tools/pack/src/bundle.ts";
  import { packageOf, readProjects } from "./tools/pack/src/workspace.ts";
  const projects = readProjects();
  const isOurs = (specifier) => projects.has(packageOf(specifier));
  await bundle("packed/dist", new Map([["rollcall", "apps/cli/src/main.ts"]]), ["rollcall"], isOurs);`;

/** Packs the command, and unpacks it where its packages of others are found. */
async function packCommand(folder: string): Promise<URL> {
  await run(process.execPath, ["--input-type=module", "--eval", BUNDLE], { cwd: folder });
  const manifest = { name: "rollcall", version: "0.0.0", type: "module", bin: "./dist/rollcall.js", files: ["dist"] };
  await writeFile(join(folder, "packed/package.json"), JSON.stringify(manifest));
  const { stdout } = await run("npm", ["pack", "--silent", "./packed"], { cwd: folder });
  const installed = join(folder, "installed");
  await mkdir(installed);
  await run("tar", ["-xzf", join(folder, stdout.trim()), "-C", installed]);
  return pathToFileURL(join(installed, "package/dist/rollcall.js"));
}

async function formerCommit(): Promise<string> {
  const newest = await git("log", "-1", "--format=%H", "--", ...PRODUCT.map((path) => `:(glob)${path}/**`));
  try {
    return await git("rev-parse", "--verify", "--quiet", `${newest}~1`);
  } catch (cause) {
    const message =
      "this clone has no history, so there is no former version to try: `git fetch --unshallow` brings it, or clone without --depth";
    throw new Error(message, { cause });
  }
}

async function git(...args: readonly string[]): Promise<string> {
  return (await run("git", args, { cwd: ROOT })).stdout.trim();
}

/** The packages of others are those of this version if both ask for the same, which is nearly always so. */
async function install(folder: string): Promise<void> {
  const [ours, theirs] = await Promise.all(
    [ROOT, folder].map(async (root) => externalsOf(await readFile(join(root, "package-lock.json"), "utf8"))),
  );
  if (ours !== theirs) {
    await run("npm", ["ci", "--prefer-offline", "--no-audit", "--no-fund"], { cwd: folder });
    return;
  }
  const modules = join(folder, "node_modules");
  await mkdir(join(modules, "@rollcall"), { recursive: true });
  for (const name of await readdir(join(ROOT, "node_modules")))
    if (name !== "@rollcall") await symlink(join(ROOT, "node_modules", name), join(modules, name));
  for (const group of ["apps", "packages", "tools", "e2e"])
    for (const name of await readdir(join(folder, group))) {
      const path = join(folder, group, name);
      const manifest = await readFile(join(path, "package.json"), "utf8").catch(() => undefined);
      if (manifest === undefined) continue;
      const { name: packageName } = JSON.parse(manifest) as { readonly name: string };
      if (packageName.startsWith("@rollcall/")) await symlink(path, join(modules, packageName));
    }
}

/** What a lock file says of the packages of others. */
function externalsOf(lock: string): string {
  const { packages } = JSON.parse(lock) as { readonly packages: Readonly<Record<string, unknown>> };
  return JSON.stringify(
    Object.entries(packages).filter(
      ([path]) => path.startsWith("node_modules/") && !path.startsWith("node_modules/@rollcall/"),
    ),
  );
}

/** With the tools that are installed here first in the path. */
function withOurTools(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${join(ROOT, "node_modules/.bin")}:${process.env["PATH"] ?? ""}` };
}
