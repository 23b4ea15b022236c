/** Everything that meta must not lose, as a file; and what a cluster that lives takes from such a file. */

import { open, readFile, rename } from "node:fs/promises";

import { backupFromText, recordsOfBackup } from "@rollcall/meta";
import { Option } from "commander";

import { CommandFailure, EXIT } from "../../failure.ts";
import { bringAbout } from "../bring-about.ts";
import type { Verb } from "../verb.ts";

export const backup: Verb = {
  name: "backup",
  summary: "write everything that meta must not lose to a file",
  args: [["<file>", "replaced as a whole when it is there"]],
  details:
    "It has the cluster's id, its members, its slot table and all control records. A meta that has lost its store is\n" +
    "started from it: rollcall meta --restore-from <file>",
  examples: ["backup rollcall.backup"],
  decides: false,
  expires: false,
  async run({ args: [file = ""] }, operator) {
    const { backup: text } = await operator.ask(({ control }, call) => control.getBackup({}, call));
    const { record, controls } = backupFromText(text);
    await replaceFile(file, text);
    const facts = { clusterId: record.clusterId, version: record.version, tableEpoch: record.table.epoch };
    return {
      json: { file, ...facts, controlsVersion: controls.version },
      text: `${file}: cluster ${facts.clusterId} at version ${facts.version}, control records at version ${controls.version}\n`,
    };
  },
};

interface RestoreOptions {
  readonly dryRun?: boolean | undefined;
  readonly fromOtherCluster?: boolean | undefined;
}

export const restore: Verb<RestoreOptions> = {
  name: "restore",
  summary: "decide again what was decided when a backup was made, and nothing else",
  args: [["<file>", "as backup has written it"]],
  options: [
    new Option("--dry-run", "only tell what would change"),
    new Option("--from-other-cluster", "also when it is the backup of another cluster"),
  ],
  details:
    "This is for a cluster that lives: its members, slots and epochs stay as they are, and each record is decided anew.\n" +
    "A meta that has lost its store is started from the backup instead: rollcall meta --restore-from <file>",
  examples: ["restore rollcall.backup --dry-run", 'restore rollcall.backup --reason "undo of yesterday"'],
  decides: true,
  expires: false,
  expects: false,
  async run({ args: [file = ""], options: { dryRun = false, fromOtherCluster = false } }, operator) {
    const backedUp = await readBackup(file);
    const { clusterId } = backedUp.record;
    const present = await operator.ask(({ meta }, call) => meta.getCluster({}, call));
    const presentId = present.state?.clusterId ?? "";
    if (presentId !== clusterId && !fromOtherCluster)
      throw new CommandFailure(
        `${file} is of cluster ${clusterId}, and this is ${presentId}: see --from-other-cluster`,
        { exitCode: EXIT.usage },
      );
    const records = recordsOfBackup(backedUp).map((record) => ({ record, id: record.id, line: undefined }));
    return bringAbout({ file, records, prune: "", dryRun }, operator);
  },
};

async function readBackup(file: string): Promise<ReturnType<typeof backupFromText>> {
  try {
    return backupFromText(await readFile(file, "utf8"));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CommandFailure(`${JSON.stringify(file)} cannot be used: ${why}`, { cause });
  }
}

/** It is there as a whole or as it was before, whenever this ends. Only its owner reads it: addresses are in it. */
async function replaceFile(file: string, text: string): Promise<void> {
  const next = `${file}.part`;
  try {
    const handle = await open(next, "w", 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(next, file);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CommandFailure(`${JSON.stringify(file)} cannot be written: ${why}`, { cause });
  }
}
