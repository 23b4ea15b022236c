/** What is registered. */

import { instanceFromInput } from "@rollcall/core";
import { bytesFromInstance, instanceFromBytes } from "@rollcall/protocol";

/** 128 bytes of metadata, about 200 in all. */
export function benchInput(id: string, change = 0) {
  return {
    id,
    address: "10.0.0.1:8080",
    protocol: "http",
    zone: "zone-1",
    metadata: { change: String(change), comment: "x".repeat(109) },
  };
}

/** The same as bytes, for registries that keep bytes. */
export function benchValue(id: string, change = 0): Buffer {
  return Buffer.from(bytesFromInstance(instanceFromInput(benchInput(id, change), () => "")));
}

export function changeOf(value: Uint8Array): number {
  return Number(instanceFromBytes(value).metadata["change"]);
}
