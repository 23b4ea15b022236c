/** From bytes to messages, and what is no message. */

import { fromBinary, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { RegistryError } from "@rollcall/core";

/** Decodes one message. @throws RegistryError `protocol_violation` when the bytes are not such a message. */
export function decodeMessage<Schema extends DescMessage>(schema: Schema, bytes: Uint8Array): MessageShape<Schema> {
  try {
    return fromBinary(schema, bytes);
  } catch (cause) {
    throw new RegistryError(
      "protocol_violation",
      `not a valid ${schema.name}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

/** Refuses a message that parses and still makes no sense. */
export function violation(rule: string): never {
  throw new RegistryError("protocol_violation", rule);
}
