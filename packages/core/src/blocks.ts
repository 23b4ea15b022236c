/**
 * Blocks: what is registered under them is shown to nobody, as if it were not there, until they are taken back. Providers
 * go on as they are and know nothing of it, so that everything is there again the moment a block ends.
 */

import { checkShortName, serviceKey, textFromServiceKey, type ServiceKey } from "./service-key.ts";

/** Nothing of the namespace is shown. */
export interface NamespaceBlock {
  readonly kind: "namespace block";
  readonly namespace: string;
}

/** No instance of the service is shown. */
export interface ServiceBlock {
  readonly kind: "service block";
  readonly key: ServiceKey;
}

/** Names what it is about. */
export function blockId(block: NamespaceBlock | ServiceBlock): string {
  return block.kind === "namespace block"
    ? `block/namespace/${block.namespace}`
    : `block/service/${textFromServiceKey(block.key)}`;
}

/** @throws RegistryError `invalid_field`. */
export function checkBlock(block: NamespaceBlock | ServiceBlock): void {
  if (block.kind === "namespace block") checkShortName("namespace", block.namespace);
  else serviceKey(block.key);
}
