/** What the processes of the fan-out benchmark say to each other, and what is pushed. */

import { instanceFromInput, type EncodedInstance, type InstanceInput } from "@rollcall/core";
import { bytesFromInstance } from "@rollcall/protocol";

/** One change as one process of subscribers saw it. */
export interface FanoutRound {
  /** When each of its subscribers was called back. */
  readonly arrivedAt: readonly number[];
  /** Bytes of the messages, with their frames. */
  readonly bytes: number;
}

/** An instance as providers register them, about 100 bytes. */
export function benchInstance(index: number, change: number): InstanceInput & { readonly id: string } {
  return {
    id: `http@10.0.${index >> 8}.${index & 255}:8080`,
    address: `10.0.${index >> 8}.${index & 255}:8080`,
    protocol: "http",
    zone: `zone-${index % 3}`,
    metadata: { version: "1.2.3", change: String(change) },
  };
}

export function encodedInstance(index: number, change: number): EncodedInstance {
  const instance = instanceFromInput(benchInstance(index, change), () => "");
  return { id: instance.id, bytes: bytesFromInstance(instance) };
}
