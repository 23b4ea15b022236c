/** Control records in files that people keep, for whoever decides by commits. */

import { readFile } from "node:fs/promises";
import { text as textOf } from "node:stream/consumers";

import { Option } from "commander";

import { CommandFailure } from "../../failure.ts";
import { bringAbout } from "../bring-about.ts";
import { jsonForFile, recordsFromText, yamlForFile } from "../record-file.ts";
import type { Verb } from "../verb.ts";

export const exportRecords: Verb = {
  name: "export",
  summary: "write what is decided as a file for import: YAML, or JSON with --json",
  args: [["[prefix]", "only records whose id begins so"]],
  examples: ["export > rollcall.yaml", "export static/ --json > static.json"],
  decides: false,
  expires: false,
  async run({ args: [prefix] }, operator) {
    const { records } = await operator.list(prefix);
    return { json: jsonForFile(records), text: yamlForFile(records) };
  },
};

interface ImportOptions {
  readonly dryRun?: boolean | undefined;
  readonly prune?: string | true | undefined;
}

export const importRecords: Verb<ImportOptions> = {
  name: "import",
  summary: "decide what is in a file, and tell what changes",
  args: [["<file>", "YAML or JSON as export writes it; - for standard input"]],
  options: [
    new Option("--dry-run", "only tell what would change"),
    new Option("--prune [prefix]", "take back what is not in the file: all, or what has an id that begins so"),
  ],
  details:
    "Each record is decided by itself, and only if nobody else decides about the same meanwhile: then the exit code is 3.\n" +
    "A record's author and reason are those in the file, if it has any; its time is not begun anew while it runs.",
  examples: ["import rollcall.yaml --dry-run --prune", 'import rollcall.yaml --prune --reason "commit 4f2a"'],
  decides: true,
  expires: false,
  expects: false,
  async run({ args: [file = "-"], options: { dryRun = false, prune } }, operator) {
    const records = recordsFromText(await readInput(file), file);
    return bringAbout({ file, records, prune: prune === true ? "" : prune, dryRun }, operator);
  },
};

async function readInput(file: string): Promise<string> {
  try {
    return file === "-" ? await textOf(process.stdin) : await readFile(file, "utf8");
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CommandFailure(`${JSON.stringify(file)} cannot be read: ${why}`, { cause });
  }
}
