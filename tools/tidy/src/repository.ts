import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, readFileSync } from "node:fs";

/** One text file of the repository. */
export interface RepositoryFile {
  /** From the root, with `/`. */
  readonly path: string;
  readonly text: string;
}

export interface Finding {
  readonly path: string;
  readonly line: number;
  /** What is wrong and what to do instead. */
  readonly message: string;
}

/** A house rule: looks at the whole repository and says where it is broken. */
export interface Rule {
  readonly name: string;
  readonly check: (files: readonly RepositoryFile[]) => readonly Finding[];
}

/** Every text file git knows or would take: what is ignored is nobody's business. */
export function readRepository(root: string): RepositoryFile[] {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], { cwd: root });
  return listed
    .toString("utf8")
    .split("\0")
    .filter((path) => path !== "" && existsSync(`${root}/${path}`) && lstatSync(`${root}/${path}`).isFile())
    .map((path) => ({ path, text: readFileSync(`${root}/${path}`, "utf8") }))
    .filter((file) => !file.text.includes("\0"));
}

export function textFromFinding(finding: Finding): string {
  return `${finding.path}:${finding.line}: ${finding.message}`;
}

export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

/** One finding per match of `pattern`, which must be global. */
export function findMatches(file: RepositoryFile, pattern: RegExp, message: (match: string) => string): Finding[] {
  return [...file.text.matchAll(pattern)].map((match) => ({
    path: file.path,
    line: lineAt(file.text, match.index),
    message: message(match[0]),
  }));
}

export const isTypeScript = (path: string): boolean => path.endsWith(".ts");
export const isTest = (path: string): boolean => /(^|\/)test\//.test(path);
/** Code that a user runs: not tests, not the root's configuration. */
export const isSource = (path: string): boolean => isTypeScript(path) && /^[^/]+\/[^/]+\/src\//.test(path);
/** `packages/core` for everything in it, `undefined` for the root's own files. */
export const projectOf = (path: string): string | undefined =>
  /^(packages|apps|e2e|tools|examples)\/[^/]+(?=\/)/.exec(path)?.[0];
