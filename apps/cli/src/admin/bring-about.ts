/**
 * Brings about what a file says: each change by itself, on condition that the record is still as it was looked at. So a
 * change is made as a whole or not at all, one that is refused keeps none of the others back, and nobody's decision is
 * undone unseen.
 */

import { RegistryError } from "@rollcall/core";

import { CommandFailure, EXIT } from "../failure.ts";
import { counted, printable } from "../output/table.ts";
import type { Operator } from "./operator.ts";
import { changeInWords, jsonFromRecordChange, planChanges, type RecordChange } from "./record-changes.ts";
import type { FileRecord } from "./record-file.ts";
import type { Answer } from "./verb.ts";

export interface Wish {
  readonly file: string;
  readonly records: readonly FileRecord[];
  /** See {@link planChanges}. */
  readonly prune: string | undefined;
  /** Only tell. */
  readonly dryRun: boolean;
}

/** @throws CommandFailure that names the records that were refused, when all others have been changed */
export async function bringAbout({ file, records, prune, dryRun }: Wish, operator: Operator): Promise<Answer> {
  const present = await operator.list();
  const changes = planChanges(records, present.records, prune);
  const lines = changes.map((change) => printable(changeInWords(change)));
  const refused: { readonly change: RecordChange; readonly error: RegistryError }[] = [];
  let version = 0;
  for (const change of dryRun ? [] : changes) {
    const made = await make(change, operator);
    if (typeof made === "number") version = made;
    else refused.push({ change, error: made });
  }
  if (refused.length > 0) {
    const why = refused.map(({ change: { id, after }, error }) => {
      const where = after?.line === undefined ? file : `${file}:${after.line}`;
      return `${where}: ${id}: ${error.message}`;
    });
    const others = `${changes.length - refused.length} of ${counted(changes.length, "change")} made`;
    const isConflict = refused.every(({ error }) => error.reason === "conflict");
    throw new CommandFailure([...why, others].join("\nrollcall: "), {
      exitCode: isConflict ? EXIT.conflict : EXIT.failed,
    });
  }
  if (version > 0) await operator.waitUntilApplied(version);
  const unchanged = records.length - changes.filter(({ after }) => after !== undefined).length;
  const sum = `${counted(changes.length, "change")}${dryRun ? " to make" : " made"}, ${unchanged} as in the file already`;
  return {
    json: { applied: !dryRun, unchanged, changes: changes.map(jsonFromRecordChange) },
    text: `${[...lines, sum].join("\n")}\n`,
  };
}

/** Gives the version at which it was made. */
async function make({ id, before, after }: RecordChange, operator: Operator): Promise<number | RegistryError> {
  const expectedVersion = before?.version ?? 0;
  try {
    if (after === undefined) return await operator.removeAt(id, expectedVersion);
    return (await operator.put(after.record, expectedVersion)).version;
  } catch (thrown) {
    // Without meta no other change can be made either.
    if (thrown instanceof CommandFailure) throw thrown;
    return RegistryError.fromUnknown(thrown);
  }
}
