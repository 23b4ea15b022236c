/** What has to be decided so that there is what a file says. */

import { isDeepStrictEqual } from "node:util";

import type { ControlRecord } from "@rollcall/core";

import type { FileRecord } from "./record-file.ts";
import { decisionInWords, jsonFromRecord } from "./record-text.ts";

export type RecordChange =
  | { readonly kind: "add"; readonly id: string; readonly after: FileRecord; readonly before: undefined }
  | { readonly kind: "replace"; readonly id: string; readonly after: FileRecord; readonly before: ControlRecord }
  | { readonly kind: "remove"; readonly id: string; readonly after: undefined; readonly before: ControlRecord };

/** @param prune takes out what is not in the file: records whose ids begin so; undefined leaves all others alone */
export function planChanges(
  wanted: readonly FileRecord[],
  present: readonly ControlRecord[],
  prune: string | undefined,
): RecordChange[] {
  const byId = new Map(present.map((record) => [record.id, record]));
  const sets = wanted.flatMap((after): RecordChange[] => {
    const { id } = after;
    const before = byId.get(id);
    if (before === undefined) return [{ kind: "add", id, after, before }];
    return isAsWanted(before, after.record) ? [] : [{ kind: "replace", id, after, before }];
  });
  const wantedIds = new Set(wanted.map(({ id }) => id));
  const removals = present
    .filter(({ id }) => prune !== undefined && id.startsWith(prune) && !wantedIds.has(id))
    .map((before): RecordChange => ({ kind: "remove", id: before.id, after: undefined, before }));
  return [...sets, ...removals];
}

/** A time that has begun to run is not begun anew; and who and why count only when the file says them. */
function isAsWanted(present: ControlRecord, wanted: ControlRecord): boolean {
  const isSameTime =
    wanted.expiresInMs === undefined
      ? present.expiresInMs === undefined
      : present.expiresInMs !== undefined && present.expiresInMs <= wanted.expiresInMs;
  return (
    isSameTime &&
    (wanted.author === "" || wanted.author === present.author) &&
    (wanted.reason === "" || wanted.reason === present.reason) &&
    isDeepStrictEqual(present.control, wanted.control)
  );
}

const SIGNS = { add: "+", replace: "~", remove: "-" } as const;

/** One line: what there is, and what there is to be. */
export function changeInWords({ kind, id, before, after }: RecordChange): string {
  const sides = [before, after?.record].filter((record) => record !== undefined).map(decisionWithAuthor);
  return `${SIGNS[kind]} ${id}: ${sides.join(" -> ")}`;
}

function decisionWithAuthor(record: ControlRecord): string {
  const { author, reason, expiresInMs } = record;
  const said = [author, reason, expiresInMs === undefined ? "" : `for ${Math.ceil(expiresInMs / 1_000)} s`];
  const words = said.filter((text) => text !== "").join(", ");
  return words === "" ? decisionInWords(record) : `${decisionInWords(record)} (${words})`;
}

export function jsonFromRecordChange({ kind, id, before, after }: RecordChange): object {
  return {
    change: kind,
    id,
    before: before === undefined ? null : jsonFromRecord(before),
    after: after === undefined ? null : jsonFromRecord({ ...after.record, id }),
  };
}
