/**
 * A project as a user has it: outside the repository, with nothing but our two tarballs and what they declare. What
 * others have made comes from npm's cache as far as `npm ci` has filled it, in the versions that were tried here.
 */

import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { packAll, type PackedProject } from "@rollcall/pack";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const require = createRequire(import.meta.url);

/** Types that any Node project has. */
const TYPE_ROOTS = join(ROOT, "node_modules/@types");

export interface Manifest {
  readonly version: string;
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly bin?: Readonly<Record<string, string>>;
}

export interface InstalledPackage extends PackedProject {
  readonly tarball: string;
  readonly manifest: Manifest;
  /** What a user may import: `rollcall/testing`. */
  readonly entries: readonly string[];
}

export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

export class Consumer {
  readonly folder: string;
  readonly packages: readonly InstalledPackage[];
  readonly #root: string;

  private constructor(root: string, folder: string, packages: readonly InstalledPackage[]) {
    this.#root = root;
    this.folder = folder;
    this.packages = packages;
  }

  /** Packs, and installs what was packed. */
  static async create(): Promise<Consumer> {
    const root = mkdtempSync(join(tmpdir(), "rollcall-packages-"));
    const packages = await Promise.all((await packAll(root)).map((project) => tarballOf(project, root)));
    const folder = mkdtempSync(join(root, "consumer-"));
    const manifest = { name: "consumer", private: true, overrides: lockedVersions() };
    writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
    const consumer = new Consumer(root, folder, packages);
    const tarballs = packages.map(({ tarball }) => tarball);
    await consumer.runs("npm", "install", "--prefer-offline", "--no-audit", "--no-fund", ...tarballs);
    return consumer;
  }

  get entries(): readonly string[] {
    return this.packages.flatMap(({ entries }) => entries);
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  /** Runs a program of this project to its end; what it wrote. Throws when it fails. */
  async runs(command: string, ...args: readonly string[]): Promise<string> {
    const { stdout } = await run(command, args, { cwd: this.folder, env: environment() });
    return stdout;
  }

  /** Compiles `file` as it is set in a user's project; what the compiler complains of. */
  async complaints(file: string, options: Readonly<Record<string, unknown>>): Promise<string> {
    const compilerOptions = {
      strict: true,
      noEmit: true,
      // Whoever checks the types of what they install finds ours to be right.
      skipLibCheck: false,
      target: "es2024",
      ...options,
    };
    const config = `tsconfig.${file}.json`;
    this.write(config, JSON.stringify({ compilerOptions, files: [file] }));
    const compiler = join(dirname(require.resolve("typescript/package.json")), "bin/tsc");
    const { code, output } = await this.start(process.execPath, compiler, "-p", config).ended;
    return code === 0 ? output : `failed: ${output}`;
  }

  /** Starts a program of this project, with whatever it starts, as a shell does. */
  start(command: string, ...args: readonly string[]): Running {
    const options = { cwd: this.folder, env: environment(), detached: true } as const;
    return new Running(spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] }));
  }

  remove(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }
}

export const nodeTypes = { types: ["node"], typeRoots: [TYPE_ROOTS] };

export class Running {
  readonly #child: ChildProcess;
  #output = "";
  readonly ended: Promise<Ended>;

  constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout!, child.stderr!]) stream.on("data", (bytes) => (this.#output += String(bytes)));
    this.ended = new Promise((resolve) => child.once("close", (code) => resolve({ code, output: this.#output })));
  }

  get output(): string {
    return this.#output;
  }

  /** Ctrl-C: all that the program has started hears it. */
  async interrupt(): Promise<Ended> {
    process.kill(-this.#child.pid!, "SIGINT");
    return this.ended;
  }

  /** Ends all of it, if it has not ended. */
  drop(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) process.kill(-this.#child.pid!, "SIGKILL");
  }
}

/** What npm and nx tell their children would make a child of ours believe that it is one of theirs. */
function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_(?!config_)|NX_|VITEST|NODE_OPTIONS$)/.test(name));
  return { ...Object.fromEntries(own), FORCE_COLOR: "0" };
}

async function tarballOf(project: PackedProject, root: string): Promise<InstalledPackage> {
  const { stdout } = await run("npm", ["pack", "--silent", project.folder], { cwd: root });
  const manifest = JSON.parse(readFileSync(join(project.folder, "package.json"), "utf8")) as Manifest;
  const entries = Object.keys(manifest.exports).filter((entry) => entry !== "./package.json");
  return {
    ...project,
    tarball: join(root, stdout.trim()),
    manifest,
    entries: entries.map((entry) => project.name + entry.slice(1)),
  };
}

/** The version of everything that `npm ci` has installed at the top, and so has in its cache. */
function lockedVersions(): Readonly<Record<string, string>> {
  const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, { readonly version?: string; readonly link?: boolean }>>;
  };
  return Object.fromEntries(
    Object.entries(packages).flatMap(([path, { version, link }]) => {
      const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1];
      return name === undefined || version === undefined || link === true ? [] : [[name, version]];
    }),
  );
}
