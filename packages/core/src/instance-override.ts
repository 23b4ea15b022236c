/**
 * What an operator decides about instances, whatever their providers say: that one wants no traffic, is shown to nobody,
 * or has another weight. Here is what can be decided, and what comes of several decisions about one instance.
 */

import { invalidField } from "./error.ts";
import { LIMITS } from "./limits.ts";
import { checkHost, checkInstanceAddress, checkInstanceId, checkWeight, type Instance } from "./instance.ts";
import { serviceKey, textFromServiceKey, type ServiceKey } from "./service-key.ts";

export interface InstanceOverride {
  readonly kind: "instance override";
  readonly target: OverrideTarget;
  readonly effect: OverrideEffect;
  /**
   * The client whose registration it is about: then it ends with that process, for the next one has another id.
   * Undefined for whoever registers the instance, until it is taken back. Only of a single instance.
   */
  readonly clientId: string | undefined;
}

/** One instance of a service, or all instances of all services at an address: `host:port`, or a host alone. */
export type OverrideTarget =
  | { readonly kind: "instance"; readonly key: ServiceKey; readonly instanceId: string }
  | { readonly kind: "address"; readonly address: string };

/**
 * `disabled`: it stays listed, so that consumers can see it, and wants no traffic. `drained`: it is not listed, as if it
 * had been unregistered. `weight`: it has that share of the traffic, whatever it was registered with.
 */
export type OverrideEffect =
  | { readonly kind: "disabled" }
  | { readonly kind: "drained" }
  | { readonly kind: "weight"; readonly weight: number };

/** Names what it is about, so that there is one decision about it. */
export function overrideId({ target }: InstanceOverride): string {
  return target.kind === "instance"
    ? `instance/${textFromServiceKey(target.key)}/${target.instanceId}`
    : `address/${target.address}`;
}

/** @throws RegistryError `invalid_field`: that cannot be decided. */
export function checkOverride({ target, effect, clientId }: InstanceOverride): void {
  if (target.kind === "instance") {
    serviceKey(target.key);
    checkInstanceId("instance_override.instance.instance_id", target.instanceId);
  } else checkAddressOrHost(target.address);
  if (effect.kind === "weight") checkWeight("instance_override.weight", effect.weight);
  if (clientId === undefined) return;
  if (target.kind !== "instance")
    throw invalidField("instance_override.client_id", "absent, unless it is about one instance", clientId);
  if (clientId === "" || clientId.length > LIMITS.clientIdLength)
    throw invalidField("instance_override.client_id", `1 to ${LIMITS.clientIdLength} characters`, clientId);
}

function checkAddressOrHost(address: string): void {
  const field = "instance_override.address";
  if (isHost(address)) checkHost(field, address);
  else checkInstanceAddress(field, address);
}

/** Without a port. Of what has a colon, only an IPv6 host in brackets is one. */
function isHost(address: string): boolean {
  return !address.includes(":") || address.endsWith("]");
}

/** The host of `host:port`. */
export function hostOfAddress(address: string): string {
  return address.slice(0, address.lastIndexOf(":"));
}

/** What an instance is shown as that several decisions are about. */
export interface OverriddenAs {
  /** Nobody is shown it. */
  readonly drained: boolean;
  readonly changes: Partial<Pick<Instance, "enabled" | "weight">>;
}

/**
 * All of them count: who takes a machine out of service must not be held up by what was decided about one instance on it
 * before. Of several weights the first one counts.
 * @param effects those of the narrower decisions first
 */
export function combineOverrides(effects: readonly OverrideEffect[]): OverriddenAs {
  const weighed = effects.find((effect) => effect.kind === "weight");
  return {
    drained: effects.some(({ kind }) => kind === "drained"),
    changes: {
      ...(effects.some(({ kind }) => kind === "disabled") && { enabled: false }),
      ...(weighed !== undefined && { weight: weighed.weight }),
    },
  };
}
