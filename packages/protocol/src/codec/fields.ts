/**
 * What keeps the codecs honest at compile time, at no cost at run time.
 *
 * A core type and its wire message have the same field names. `sameFields` holds them to it, so a field added to the
 * schema does not compile until the core type has it; core fields are required, so decoding does not compile until it
 * is filled; and `WireFields` makes every wire field required, so encoding does not compile until it is written.
 */

import type { Message } from "@bufbuild/protobuf";

type FieldOf<Wire> = Exclude<keyof Wire, "$typeName" | "$unknown">;

/** The fields of a wire message, all required; optional ones may be undefined. */
export type WireFields<Wire extends Message> = {
  [Field in FieldOf<Wire>]: Wire[Field] | (undefined extends Wire[Field] ? undefined : never);
};

type Same<A, B> = [A] extends [B]
  ? [B] extends [A]
    ? true
    : { missingOnOneSide: Exclude<A, B> | Exclude<B, A> }
  : { missingOnOneSide: Exclude<A, B> | Exclude<B, A> };

/** Compiles only when both types have the same field names. `Derived` lists core fields that do not travel by themselves. */
export function sameFields<Core, Wire extends Message, Derived extends keyof Core = never>(
  ..._proof: Same<Exclude<keyof Core, Derived>, FieldOf<Wire>> extends true
    ? []
    : [Same<Exclude<keyof Core, Derived>, FieldOf<Wire>>]
): void {}
