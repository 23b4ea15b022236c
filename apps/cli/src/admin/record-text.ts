/**
 * Control records for people and for scripts, from the schema's own form, so that no kind of decision needs words of its
 * own here.
 */

import type { Control, ControlRecord } from "@rollcall/core";
import { jsonFromControlRecord } from "@rollcall/protocol";

import { printable, tableLines } from "../output/table.ts";

/** The fields of the schema's JSON; versions and times are numbers. */
export function jsonFromRecord({
  id,
  version,
  author,
  reason,
  decidedAt,
  expiresInMs,
  control,
}: ControlRecord): object {
  return { id, version, author, reason, decidedAt, expiresInMs: expiresInMs ?? null, ...jsonFromControl(control) };
}

/** What is decided, without who and why: the kind, and its fields as JSON. */
export function decisionInWords({ control }: ControlRecord): string {
  const fields = JSON.stringify(Object.values(jsonFromControl(control))[0]);
  return fields === "{}" ? control.kind : `${control.kind} ${fields}`;
}

/** One line. */
export function recordInWords(record: ControlRecord): string {
  const { id, version, author, reason, decidedAt } = record;
  const why = reason === "" ? "" : `: ${reason}`;
  return printable(
    `${id}: ${decisionInWords(record)}, decided by ${author} at ${decidedAt} as version ${version}${leftInWords(record, ", for ")}${why}`,
  );
}

export function recordsTable(records: readonly ControlRecord[], stream: NodeJS.WritableStream): string {
  const headings = ["ID", "DECISION", "VERSION", "AUTHOR", "DECIDED AT", "LEFT", "REASON"];
  const rows = records.map((record) => {
    const { id, version, author, decidedAt, reason } = record;
    return [id, decisionInWords(record), String(version), author, decidedAt, leftInWords(record, ""), reason];
  });
  return `${tableLines(headings, rows, stream).join("\n")}\n`;
}

function leftInWords({ expiresInMs }: ControlRecord, before: string): string {
  return expiresInMs === undefined ? "" : `${before}${Math.ceil(expiresInMs / 1_000)} s more`;
}

/** One field, named after the kind: the schema's JSON leaves out what is empty. */
function jsonFromControl(control: Control): object {
  const nothing = { id: "", version: 0, author: "", reason: "", decidedAt: "", expiresInMs: undefined };
  return jsonFromControlRecord({ ...nothing, control }) as object;
}
