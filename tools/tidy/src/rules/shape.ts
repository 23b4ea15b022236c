import { isSource, isTest, isTypeScript, type Finding, type RepositoryFile, type Rule } from "../repository.ts";
import { lineOf, nameOf, statementsOf, syntaxOf, walk } from "../syntax.ts";

const LINES_MAX = 350;

/**
 * Files that may be longer, each with its number: a ratchet. The number may go down and never up; a file that got
 * clearly shorter takes its number with it, and one that fits again leaves the list.
 */
const longerFiles: ReadonlyMap<string, number> = new Map<string, number>([]);

/** How far below its number a file may be before the number has to follow. */
const RATCHET_SLACK = 20;

export function fileLength(longer: ReadonlyMap<string, number>): Rule {
  return {
    name: `a source file has at most ${LINES_MAX} lines`,
    check: (files) => {
      const lengths = new Map(
        files.filter((file) => isSource(file.path)).map((file) => [file.path, file.text.trimEnd().split("\n").length]),
      );
      const tooLong = [...lengths].flatMap(([path, lines]): Finding[] => {
        const max = longer.get(path) ?? LINES_MAX;
        if (lines <= max) return [];
        return [
          {
            path,
            line: max,
            message: `${lines} lines, at most ${max}: find the mechanism in it that wants its own name and file`,
          },
        ];
      });
      const stale = [...longer].flatMap(([path, max]): Finding[] => {
        const lines = lengths.get(path) ?? 0;
        if (lines <= LINES_MAX)
          return [{ path, line: 1, message: "fits now or is gone: take it off the list of longer files" }];
        if (lines < max - RATCHET_SLACK)
          return [{ path, line: 1, message: `has ${lines} lines now: lower its number from ${max}` }];
        return [];
      });
      return [...tooLong, ...stale];
    },
  };
}

const isConfiguration = (path: string): boolean => path.endsWith(".config.ts");

const fileNames: Rule = {
  name: "file names are kebab-case",
  check: (files) =>
    files
      .filter((file) => isTypeScript(file.path))
      .filter(
        (file) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.(test|config|shared))?\.ts$/.test(file.path.split("/").at(-1) ?? ""),
      )
      .map((file) => ({ path: file.path, line: 1, message: "name it in kebab-case after its main export" })),
};

const labels: Rule = {
  name: "names say how, not Impl, Manager, Helper or Util",
  check: (files) =>
    files
      .filter((file) => isTypeScript(file.path))
      .flatMap((file) => {
        const advice = "the interface takes the noun (DatumStore), the implementation says how (MemoryDatumStore)";
        const findings: Finding[] = [];
        if (/(^|[-/])(impl|managers?|helpers?|utils?)([-./]|$)/.test(file.path)) {
          findings.push({ path: file.path, line: 1, message: `this file name is a label; ${advice}` });
        }
        walk(syntaxOf(file), (node) => {
          if (!/^(Class(Declaration|Expression)|TSInterfaceDeclaration|TSTypeAliasDeclaration)$/.test(node.type))
            return;
          const name = nameOf(node["id"]) ?? "";
          if (!/(Impl|Managers?|Helpers?|Utils?)([A-Z]|$)/.test(name)) return;
          findings.push({ path: file.path, line: lineOf(file, node), message: `"${name}" is a label; ${advice}` });
        });
        return findings;
      }),
};

const statements: Rule = {
  name: "no enum, no default export, no export *",
  check: (files) =>
    files
      .filter((file) => isTypeScript(file.path))
      .flatMap((file) => {
        const findings: Finding[] = [];
        walk(syntaxOf(file), (node) => {
          const message = forbidden(node.type, file);
          if (message !== undefined) findings.push({ path: file.path, line: lineOf(file, node), message });
        });
        return findings;
      }),
};

function forbidden(type: string, file: RepositoryFile): string | undefined {
  if (type === "TSEnumDeclaration") return "no enum: use a union of string literals";
  if (type === "ExportAllDeclaration")
    return "no export *: name what is exported, so that the index is a table of contents";
  if (type === "ExportDefaultDeclaration" && !isConfiguration(file.path)) return "no default export: export it by name";
  return undefined;
}

const moduleState: Rule = {
  name: "no module-level let",
  check: (files) =>
    files
      .filter((file) => isSource(file.path) && !isTest(file.path))
      .flatMap((file) =>
        statementsOf(file)
          .map((statement) => (statement.type === "ExportNamedDeclaration" ? statement["declaration"] : statement))
          .filter(
            (statement) =>
              (statement as { kind?: unknown } | null)?.kind === "let" ||
              (statement as { kind?: unknown } | null)?.kind === "var",
          )
          .map((statement) => ({
            path: file.path,
            line: lineOf(file, statement as Parameters<typeof lineOf>[1]),
            message:
              "state of the whole process: keep it in what server.ts constructs, so that two servers fit in one process",
          })),
      ),
};

export const shapeRules: readonly Rule[] = [fileLength(longerFiles), fileNames, labels, statements, moduleState];
