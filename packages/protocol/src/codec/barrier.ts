/** Barriers and what is asked and answered on their behalf. */

import { create } from "@bufbuild/protobuf";
import {
  RegistryError,
  type Barrier as CoreBarrier,
  type BarrierAnswer as CoreBarrierAnswer,
  type ToldAnswer as CoreToldAnswer,
  type ToldQuestion as CoreToldQuestion,
} from "@rollcall/core";

import {
  ToldAnswerSchema,
  ToldQuestionSchema,
  type ToldAnswer,
  type ToldQuestion,
} from "../gen/rollcall/v1/data_pb.ts";
import { BarrierAnswerSchema, BarrierSchema, type Barrier, type BarrierAnswer } from "../gen/rollcall/v1/types_pb.ts";
import { sameFields, type WireFields } from "./fields.ts";
import { numberFromUint64 } from "./numbers.ts";
import { heldFromWire, keyFromWire, versionFromWire, wireFromHeld, wireFromKey, wireFromVersion } from "./values.ts";

sameFields<CoreBarrier, Barrier>();
sameFields<CoreBarrierAnswer, BarrierAnswer>();
sameFields<CoreToldQuestion, ToldQuestion>();
sameFields<CoreToldAnswer, ToldAnswer>();

export function wireFromBarrier({ sequence, key, version }: CoreBarrier): Barrier {
  const fields: WireFields<Barrier> = {
    sequence: BigInt(sequence),
    key: wireFromKey(key),
    version: wireFromVersion(version),
  };
  return create(BarrierSchema, fields);
}

export function barrierFromWire({ sequence, key, version }: Barrier): CoreBarrier {
  return { sequence: numberFromUint64(sequence), key: keyFromWire(key), version: versionFromWire(version) };
}

export function wireFromBarrierAnswer({ sequence, subscribers, sessions }: CoreBarrierAnswer): BarrierAnswer {
  const fields: WireFields<BarrierAnswer> = { sequence: BigInt(sequence), subscribers, sessions };
  return create(BarrierAnswerSchema, fields);
}

export function barrierAnswerFromWire({ sequence, subscribers, sessions }: BarrierAnswer): CoreBarrierAnswer {
  return { sequence: numberFromUint64(sequence), subscribers, sessions };
}

export function wireFromToldQuestion({ key, held }: CoreToldQuestion): ToldQuestion {
  const fields: WireFields<ToldQuestion> = { key: wireFromKey(key), held: wireFromHeld(held) };
  return create(ToldQuestionSchema, fields);
}

export function toldQuestionFromWire(wire: ToldQuestion): CoreToldQuestion {
  const held = heldFromWire(wire.held);
  if (held === undefined) throw new RegistryError("protocol_violation", "a told question says what is to be held");
  return { key: keyFromWire(wire.key), held };
}

export function wireFromToldAnswer({ key, version, subscribers }: CoreToldAnswer): ToldAnswer {
  const fields: WireFields<ToldAnswer> = { key: wireFromKey(key), version: wireFromVersion(version), subscribers };
  return create(ToldAnswerSchema, fields);
}

export function toldAnswerFromWire({ key, version, subscribers }: ToldAnswer): CoreToldAnswer {
  return { key: keyFromWire(key), version: versionFromWire(version), subscribers };
}
