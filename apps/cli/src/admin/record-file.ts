/**
 * Control records as a file that people write and keep: YAML or JSON, each record in the schema's own form, so that every
 * kind of decision can be in it. What only meta knows of a record is left out; what is wrong is told with its line.
 */

import { RegistryError, checkControl, controlId, type ControlRecord } from "@rollcall/core";
import { controlRecordFromJson, jsonFromControlRecord } from "@rollcall/protocol";
import { LineCounter, isMap, isSeq, parseDocument, stringify, type Node } from "yaml";

import { CommandFailure, EXIT } from "../failure.ts";

/** A record as it stands in a file. */
export interface FileRecord {
  /** Without id, version and time; author and reason are empty when the file leaves them out. */
  readonly record: ControlRecord;
  readonly id: string;
  /** Undefined for a file that nobody reads line by line. */
  readonly line: number | undefined;
}

/** As the schema has it. */
type RecordJson = Parameters<typeof controlRecordFromJson>[0];

const HEADING = `Control records of Rollcall. \`rollcall admin import\` takes them in.`;

export function jsonForFile(records: readonly ControlRecord[]): { readonly records: readonly object[] } {
  return {
    records: records.map((record) => {
      const json = jsonFromControlRecord({ ...record, id: "", version: 0, decidedAt: "" }) as object;
      // The schema's JSON has numbers of 64 bits as text.
      return { ...json, ...(record.expiresInMs !== undefined && { expiresInMs: record.expiresInMs }) };
    }),
  };
}

export function yamlForFile(records: readonly ControlRecord[]): string {
  return `# ${HEADING}\n${stringify(jsonForFile(records))}`;
}

/** @throws CommandFailure that tells everything that is wrong, each with its line. */
export function recordsFromText(text: string, file: string): FileRecord[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const wrong: string[] = document.errors.map(({ message, pos: [at] }) => {
    return `${file}:${lines.linePos(at).line}: ${message.split("\n")[0]?.replace(/ at line \d+.*$/, "")}`;
  });
  if (wrong.length > 0) throw refused(wrong);
  const records = isMap(document.contents) ? document.contents.get("records") : undefined;
  if (!isSeq(records)) throw refused([`${file}:1: it has to have a list \`records\``]);
  const found = new Map<string, FileRecord>();
  for (const [at, item] of (records.items as readonly Node[]).entries()) {
    const line = lines.linePos(item.range?.[0] ?? 0).line;
    try {
      const record = recordFrom(item.toJS(document) as RecordJson);
      const id = controlId(record.control);
      const before = found.get(id);
      if (before === undefined) found.set(id, { record, id, line });
      else wrong.push(`${file}:${line}: ${id} is decided in line ${before.line} already`);
    } catch (thrown) {
      wrong.push(`${file}:${line}: records[${at}]: ${RegistryError.fromUnknown(thrown).message}`);
    }
  }
  if (wrong.length > 0) throw refused(wrong);
  return [...found.values()];
}

function recordFrom(json: RecordJson): ControlRecord {
  const record = controlRecordFromJson(json);
  checkControl(record.control);
  return record;
}

function refused(wrong: readonly string[]): CommandFailure {
  return new CommandFailure(wrong.join("\nrollcall: "), { exitCode: EXIT.usage });
}
