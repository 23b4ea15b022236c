/**
 * `push off`: nothing is pushed until it is taken back. For whoever has to stop a wave of changes, or does not trust what
 * the registry would say just now: consumers go on with what they have.
 */

import { invalidField, limitExceeded } from "./error.ts";
import { checkZone } from "./instance.ts";
import { LIMITS } from "./limits.ts";
import { checkShortName } from "./service-key.ts";

/** Subscribers are pushed nothing until this is taken back; then each is pushed what it has missed. */
export interface PushOff {
  readonly kind: "push off";
  readonly scope: PushScope;
  /** Who is pushed all the same: ids of clients, their names (what comes before the last `~` of the id), or addresses. */
  readonly exceptClients: readonly string[];
}

/** Whose pushes: everybody's, those of services of a namespace, or those to clients of a zone. */
export type PushScope =
  | { readonly kind: "cluster" }
  | { readonly kind: "namespace"; readonly namespace: string }
  | { readonly kind: "zone"; readonly zone: string };

/** Names what it is about. */
export function pushOffId({ scope }: PushOff): string {
  switch (scope.kind) {
    case "cluster":
      return "push/cluster";
    case "namespace":
      return `push/namespace/${scope.namespace}`;
    case "zone":
      return `push/zone/${scope.zone}`;
  }
}

/** @throws RegistryError `invalid_field`, `limit_exceeded`. */
export function checkPushOff({ scope, exceptClients }: PushOff): void {
  if (scope.kind === "namespace") checkShortName("namespace", scope.namespace);
  if (scope.kind === "zone") checkZone("zone", scope.zone);
  checkClients("except_clients", exceptClients);
}

function checkClients(field: string, clients: readonly string[]): void {
  const { listedClients, clientIdLength } = LIMITS;
  if (clients.length > listedClients) throw limitExceeded(field, `${listedClients}`, clients.length);
  for (const client of clients)
    if (client === "" || client.length > clientIdLength)
      throw invalidField(field, `of 1 to ${clientIdLength} characters each`, client);
}
