/** What operators decide about instances and clients, on the wire. */

import { create } from "@bufbuild/protobuf";
import {
  invalidField,
  type ClientOff as CoreClientOff,
  type ClientsOff,
  type InstanceOverride as CoreInstanceOverride,
  type OverrideEffect,
  type OverrideTarget,
} from "@rollcall/core";

import {
  ClientOffSchema,
  DisabledSchema,
  DrainedSchema,
  InstanceNameSchema,
  InstanceOverrideSchema,
  type ClientOff,
  type InstanceName,
  type InstanceOverride,
} from "../gen/rollcall/v1/control_pb.ts";
import { sameFields, type WireFields } from "./fields.ts";
import { keyFromWire, wireFromKey } from "./values.ts";

sameFields<Omit<CoreInstanceOverride, "kind">, InstanceOverride>();
sameFields<Omit<CoreClientOff, "kind">, ClientOff>();

export function wireFromOverride({ target, effect, clientId }: CoreInstanceOverride): InstanceOverride {
  const fields: WireFields<InstanceOverride> = {
    target: wireFromTarget(target),
    effect: wireFromEffect(effect),
    clientId: clientId ?? "",
  };
  return create(InstanceOverrideSchema, fields);
}

/** @throws RegistryError `invalid_field` when it is about nothing or does nothing. */
export function overrideFromWire({ target, effect, clientId }: InstanceOverride): CoreInstanceOverride {
  return {
    kind: "instance override",
    target: targetFromWire(target),
    effect: effectFromWire(effect),
    clientId: clientId || undefined,
  };
}

function wireFromTarget(target: OverrideTarget): InstanceOverride["target"] {
  if (target.kind === "address") return { case: "address", value: target.address };
  const fields: WireFields<InstanceName> = { key: wireFromKey(target.key), instanceId: target.instanceId };
  return { case: "instance", value: create(InstanceNameSchema, fields) };
}

function targetFromWire(wire: InstanceOverride["target"]): OverrideTarget {
  switch (wire.case) {
    case "address":
      return { kind: "address", address: wire.value };
    case "instance":
      return { kind: "instance", key: keyFromWire(wire.value.key), instanceId: wire.value.instanceId };
    case undefined:
      throw invalidField("instance_override.target", "an instance or an address", "none");
  }
}

function wireFromEffect(effect: OverrideEffect): InstanceOverride["effect"] {
  switch (effect.kind) {
    case "disabled":
      return { case: "disabled", value: create(DisabledSchema) };
    case "drained":
      return { case: "drained", value: create(DrainedSchema) };
    case "weight":
      return { case: "weight", value: effect.weight };
  }
}

function effectFromWire(wire: InstanceOverride["effect"]): OverrideEffect {
  switch (wire.case) {
    case "disabled":
    case "drained":
      return { kind: wire.case };
    case "weight":
      return { kind: "weight", weight: wire.value };
    case undefined:
      throw invalidField("instance_override.effect", "disabled, drained or a weight", "none");
  }
}

export function wireFromClientOff({ clients, register, subscribe }: CoreClientOff): ClientOff {
  const fields: WireFields<ClientOff> = {
    clients:
      clients.kind === "address" ? { case: "address", value: clients.range } : { case: "name", value: clients.name },
    register,
    subscribe,
  };
  return create(ClientOffSchema, fields);
}

/** @throws RegistryError `invalid_field` when it is about nobody. */
export function clientOffFromWire({ clients, register, subscribe }: ClientOff): CoreClientOff {
  return { kind: "client off", clients: clientsFromWire(clients), register, subscribe };
}

function clientsFromWire(wire: ClientOff["clients"]): ClientsOff {
  switch (wire.case) {
    case "address":
      return { kind: "address", range: wire.value };
    case "name":
      return { kind: "name", name: wire.value };
    case undefined:
      throw invalidField("client_off.clients", "an address or a name", "none");
  }
}
