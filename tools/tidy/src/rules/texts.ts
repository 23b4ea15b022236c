import { posix } from "node:path";
import { findMatches, isTest, type Finding, type Rule } from "../repository.ts";

/** This tool has to spell out what it forbids. */
const isOwn = (path: string): boolean => path.startsWith("tools/tidy/");

const leftovers: Rule = {
  name: "no notes to self",
  check: (files) =>
    files
      .filter((file) => /\.(ts|proto|md|ya?ml)$/.test(file.path) && !isOwn(file.path))
      .flatMap((file) =>
        findMatches(
          file,
          /\b(TODO|FIXME|XXX|HACK)\b/g,
          (word) => `${word}: do it, or open an issue and leave the code whole`,
        ),
      ),
};

const links: Rule = {
  name: "relative links in Markdown lead somewhere",
  check: (files) => {
    const paths = new Set(files.flatMap((file) => [file.path, ...parents(file.path)]));
    return files
      .filter((file) => file.path.endsWith(".md"))
      .flatMap((file): Finding[] => {
        const prose = {
          ...file,
          text: file.text.replace(/```[\s\S]*?```|`[^`\n]*`/g, (code) => code.replace(/[^\n]/g, " ")),
        };
        return findMatches(prose, /\]\([^)\s]+\)/g, (match) => match.slice(2, -1)).flatMap((found): Finding[] => {
          const target = found.message.replace(/#.*$/, "");
          if (target === "" || /^[a-z][a-z0-9+.-]*:/i.test(target)) return [];
          const path = posix.join(posix.dirname(file.path), target).replace(/\/$/, "");
          if (path === "." || paths.has(path)) return [];
          return [{ ...found, message: `the link to "${target}" leads nowhere: mend it or take it out` }];
        });
      });
  },
};

function parents(path: string): string[] {
  const parent = posix.dirname(path);
  return parent === "." ? [] : [parent, ...parents(parent)];
}

const places: Rule = {
  name: "nothing names a private host or a path of somebody's machine",
  check: (files) =>
    files
      .filter((file) => !isOwn(file.path) && !/(^|\/)package-lock\.json$/.test(file.path))
      .flatMap((file) => [
        ...findMatches(
          file,
          /(?<![\w.:/@-])(\/(home|root|Users|work|workspace|mnt)\/|[A-Z]:\\Users\\)[\w.-]+/g,
          (path) => `"${path}" exists on one machine: use a path from the repository's root`,
        ),
        ...findMatches(
          file,
          /\bhttps?:\/\/([\w-]+\.)+(internal|intranet|corp|lan|local|home)\b/g,
          (url) => `"${url}" is a private host: use example.com or localhost`,
        ),
        ...findMatches(
          file,
          /\b(https?:\/\/)(registry|npm|pypi|deb|proxy)\.[\w.-]+/g,
          (url) => `"${url}" is a registry: the installer's own configuration names it`,
        ),
      ]),
};

const runs: Rule = {
  name: "every test runs, and none waits for time to pass",
  check: (files) =>
    files
      .filter((file) => file.path.endsWith(".ts") && isTest(file.path) && !isOwn(file.path))
      .flatMap((file) => [
        ...findMatches(
          file,
          /\b(it|test|describe|suite|bench)(\.\w+)*\.(skip|only|todo|skipIf|runIf|fails)\b|\b[xf](it|describe)\(/g,
          (match) => `"${match}": mend the test or take it out; the closing line counts what ran`,
        ),
        ...findMatches(
          file,
          /\bsetTimeout\(\s*(r|res|resolve|done|next|ok)\b|\bsetTimeout\(\s*\(\)\s*=>\s*(r|res|resolve|done|next|ok)\(|["'](node:)?timers\/promises["']|\bsleep\(/g,
          () => "a sleep: wait for the condition (vi.waitFor, expect.poll) or move the virtual clock",
        ),
      ]),
};

const testsInPlace: Rule = {
  name: "tests lie in test/ and are named *.test.ts",
  check: (files) =>
    files
      .filter((file) => /\.(test|spec)\.[cm]?tsx?$/.test(file.path))
      .filter((file) => !/^[^/]+\/[^/]+\/test\/.*\.test\.ts$/.test(file.path))
      .map((file) => ({
        path: file.path,
        line: 1,
        message: "would never be run: move it to the project's test/, as *.test.ts",
      })),
};

export const textRules: readonly Rule[] = [leftovers, links, places, runs, testsInPlace];
