/** How services are named by the users of one client, and to them. */

import { textFromServiceKey, type ServiceKey } from "@rollcall/core";

import { serviceKeyFromInput, type ServiceInput } from "./service-input.ts";

export class ServiceNames {
  readonly namespace: string;
  readonly #group: string;

  /** @param own the client's namespace and group */
  constructor(own: { readonly namespace: string; readonly group: string }) {
    this.namespace = own.namespace;
    this.#group = own.group;
  }

  /** @throws RegistryError `invalid_field` naming the part. */
  keyOf(input: ServiceInput): ServiceKey {
    return serviceKeyFromInput(input, { namespace: this.namespace, group: this.#group });
  }

  /** The name alone of a service of the client's own namespace and group, `namespace/group/service` of others. */
  nameOf(key: ServiceKey): string {
    const isOwn = key.namespace === this.namespace && key.group === this.#group;
    return isOwn ? key.service : textFromServiceKey(key);
  }
}
