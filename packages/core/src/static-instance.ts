/** `static instance`: an instance that is listed because an operator has put it, whoever registers or does not. */

import { checkInstance, type Instance } from "./instance.ts";
import { serviceKey, textFromServiceKey, type ServiceKey } from "./service-key.ts";

/** It is listed until this is taken back. A registration of the same id is shown in its place while it lives. */
export interface StaticInstance {
  readonly kind: "static instance";
  readonly key: ServiceKey;
  readonly instance: Instance;
}

/** What makes the id of its record. */
export interface StaticInstanceName {
  readonly key: ServiceKey;
  readonly instance: Pick<Instance, "id">;
}

/** Names what it is about. */
export function staticInstanceId({ key, instance: { id } }: StaticInstanceName): string {
  return `static/${textFromServiceKey(key)}/${id}`;
}

/** @throws RegistryError `invalid_field`, `limit_exceeded`. */
export function checkStaticInstance({ key, instance }: StaticInstance): void {
  serviceKey(key);
  checkInstance(instance);
}
