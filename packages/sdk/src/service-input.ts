/** How users name services. */

import { serviceKey, type InstanceInput, type ServiceKey } from "@rollcall/core";

/** A service: its name, or its name with the namespace and group when they are not the client's own. */
export type ServiceInput =
  | string
  | { readonly service: string; readonly namespace?: string | undefined; readonly group?: string | undefined };

/** An instance and the service it belongs to. */
export type RegisterInput = InstanceInput & Exclude<ServiceInput, string>;

/** @throws RegistryError `invalid_field` naming the part. */
export function serviceKeyFromInput(
  input: ServiceInput,
  { namespace, group }: { readonly namespace: string; readonly group: string },
): ServiceKey {
  const parts = typeof input === "string" ? { service: input } : input;
  return serviceKey({
    namespace: parts.namespace || namespace,
    group: parts.group || group,
    service: parts.service,
  });
}
