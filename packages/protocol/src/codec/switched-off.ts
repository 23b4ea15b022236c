/** What an operator has switched off of a client. */

import { create } from "@bufbuild/protobuf";
import type { SwitchedOff as CoreSwitchedOff } from "@rollcall/core";

import { SwitchedOffSchema, type SwitchedOff } from "../gen/rollcall/v1/registry_pb.ts";
import { sameFields, type WireFields } from "./fields.ts";

sameFields<CoreSwitchedOff, SwitchedOff>();

export function wireFromSwitchedOff({ register, subscribe }: CoreSwitchedOff): SwitchedOff {
  const fields: WireFields<SwitchedOff> = { register, subscribe };
  return create(SwitchedOffSchema, fields);
}

export function switchedOffFromWire({ register, subscribe }: SwitchedOff): CoreSwitchedOff {
  return { register, subscribe };
}
