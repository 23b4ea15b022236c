/** What is registered. */

import { instanceFromInput } from "@rollcall/core";
import { bytesFromInstance, instanceFromBytes } from "@rollcall/protocol";

/** Which change of an instance it is, and when it was due, in milliseconds of the clock that all processes share. */
export interface Change {
  readonly number: number;
  readonly dueAt: number;
}

const FIRST: Change = { number: 0, dueAt: 0 };
const COMMENT_LENGTH = 95;

/** 128 bytes of metadata, about 200 in all. */
export function benchInput(id: string, { number, dueAt }: Change = FIRST) {
  return {
    id,
    address: "10.0.0.1:8080",
    protocol: "http",
    zone: "zone-1",
    metadata: { change: String(number), at: String(dueAt), comment: "x".repeat(COMMENT_LENGTH) },
  };
}

/** The same as bytes, for registries that keep bytes. */
export function benchValue(id: string, change = FIRST): Buffer {
  return Buffer.from(bytesFromInstance(instanceFromInput(benchInput(id, change), () => "")));
}

export function changeOf(value: Uint8Array): Change {
  return changeIn(instanceFromBytes(value).metadata);
}

export function changeIn(metadata: Readonly<Record<string, string>>): Change {
  return { number: Number(metadata["change"]), dueAt: Number(metadata["at"]) };
}
