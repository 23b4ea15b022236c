/**
 * A backup as a text: JSON with a format and a checksum. It holds what is in the store, in the form in which it is there,
 * so nothing that a store keeps can be forgotten here.
 */

import type { JsonValue } from "@bufbuild/protobuf";
import { RegistryError, digestOfText, formatDigest, type ControlRecord } from "@rollcall/core";
import { controlRecordFromJson } from "@rollcall/protocol";
import { z } from "zod";

import type { Backup } from "../backup/restored.ts";
import { isChangeId } from "../controls/change-log.ts";
import { recordFromStored, storedFromRecord } from "./stored-record.ts";

/** Raised when the form changes; an older form is then read by its own schema. */
const FORMAT = 1;

const contentSchema = z.object({
  cluster: z.unknown(),
  controlsVersion: z.int().nonnegative(),
  /** Texts as in the store, by id. */
  controls: z.record(z.string(), z.string()),
});
const backupSchema = z.object({
  rollcallBackup: z.literal(FORMAT, { error: `this version reads backups of format ${FORMAT}` }),
  digest: z.string(),
  content: contentSchema,
});

/** @param madeAt for people */
export function textFromBackup({ record, controls }: Backup, madeAt: string): string {
  const content = {
    cluster: storedFromRecord(record),
    controlsVersion: controls.version,
    controls: Object.fromEntries(controls.records),
  };
  return `${JSON.stringify({ rollcallBackup: FORMAT, madeAt, digest: digestOf(content), content }, undefined, 1)}\n`;
}

/** @throws RegistryError `invalid_field` with what is wrong with it. */
export function backupFromText(text: string): Backup {
  const { content, digest } = parsed(text);
  if (digestOf(content) !== digest) throw noBackup("it is damaged: its checksum is another one");
  const { cluster, controlsVersion, controls } = content;
  return {
    record: recordFromStored(cluster),
    controls: { version: controlsVersion, records: new Map(Object.entries(controls)) },
  };
}

/** The control records that were decided when it was made. @throws RegistryError `invalid_field`. */
export function recordsOfBackup({ controls }: Backup): ControlRecord[] {
  const records = [...controls.records].filter(([id]) => !isChangeId(id));
  return records.map(([, text]) => controlRecordFromJson(JSON.parse(text) as JsonValue));
}

function parsed(text: string): z.infer<typeof backupSchema> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw noBackup(`it is no JSON: ${String(cause)}`);
  }
  const result = backupSchema.safeParse(json);
  if (!result.success) throw noBackup(z.prettifyError(result.error));
  return result.data;
}

/** Of the content without its spaces. */
function digestOf(content: unknown): string {
  return formatDigest(digestOfText(JSON.stringify(content)));
}

function noBackup(why: string): RegistryError {
  return new RegistryError("invalid_field", `this is no backup that can be used: ${why}`);
}
