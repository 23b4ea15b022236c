/**
 * ServiceKey: which service. Its grammar keeps a key printable, safe in a path, and joinable with `/`, which no part
 * may contain. Names that people bring from elsewhere (`com.foo.Hello:1.0@DEFAULT`) are valid service names.
 */

import { invalidField } from "./error.ts";
import { hash64OfText } from "./hash.ts";
import { LIMITS } from "./limits.ts";

/** Isolation of tenants, separation of classes of use, and the name of the service itself. */
export interface ServiceKey {
  readonly namespace: string;
  readonly group: string;
  readonly service: string;
}

/**
 * The key of a service that comes again and again, as one object. What everybody asks of a key, its text, its place among
 * the slots, whether it is valid, is found out once and kept with it.
 */
export class KnownServiceKey implements ServiceKey {
  readonly namespace: string;
  readonly group: string;
  readonly service: string;
  #text: string | undefined;
  #name: string | undefined;
  #hash: number | undefined;
  #isValid = false;

  constructor({ namespace, group, service }: ServiceKey) {
    this.namespace = namespace;
    this.group = group;
    this.service = service;
  }

  text(): string {
    this.#text ??= joined(this);
    return this.#text;
  }

  /** What a subscription to it is called, when that has no filter. */
  name(): string {
    this.#name ??= `${this.text()} `;
    return this.#name;
  }

  /** The first word of the hash of its text. */
  hash(): number {
    this.#hash ??= hash64OfText(this.text()).high;
    return this.#hash;
  }

  /** Gives it back. @throws RegistryError as {@link serviceKey}. */
  checked(): this {
    if (!this.#isValid) checkKey(this);
    this.#isValid = true;
    return this;
  }
}

export const DEFAULT_NAMESPACE = "default";
export const DEFAULT_GROUP = "default";

const NAMESPACE_PATTERN = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/;
const SERVICE_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._:@~-]*$/;

const NAMESPACE_RULE = `1 to ${LIMITS.namespaceLength} letters, digits, ".", "_", "-", beginning and ending with a letter or digit`;
const SERVICE_RULE = `1 to ${LIMITS.serviceLength} letters, digits, ".", "_", ":", "@", "~", "-", beginning with a letter or digit`;

/**
 * A valid key from its parts; an absent or empty namespace or group is the default one.
 * @throws RegistryError `invalid_field` naming the part.
 */
export function serviceKey(parts: {
  namespace?: string | undefined;
  group?: string | undefined;
  service: string;
}): ServiceKey {
  if (parts instanceof KnownServiceKey) return parts.checked();
  const { namespace, group, service } = parts;
  return checkKey({ namespace: namespace || DEFAULT_NAMESPACE, group: group || DEFAULT_GROUP, service });
}

function checkKey(key: ServiceKey): ServiceKey {
  checkShortName("namespace", key.namespace);
  checkShortName("group", key.group);
  checkName("service", key.service, SERVICE_PATTERN, LIMITS.serviceLength, SERVICE_RULE);
  return key;
}

/** Gives back a valid namespace, group or node id. @throws RegistryError `invalid_field`; `field` says which it is. */
export function checkShortName(field: string, value: string): string {
  return checkName(field, value, NAMESPACE_PATTERN, LIMITS.namespaceLength, NAMESPACE_RULE);
}

function checkName(field: string, value: string, pattern: RegExp, lengthMax: number, rule: string): string {
  if (typeof value !== "string" || value.length > lengthMax || !pattern.test(value))
    throw invalidField(field, rule, value);
  return value;
}

/** `namespace/group/service`: the canonical text of a key, the key of maps and the input of the slot function. */
export function textFromServiceKey(key: ServiceKey): string {
  return key instanceof KnownServiceKey ? key.text() : joined(key);
}

/** The first word of the hash of the key's text, which names its slot. */
export function hashOfServiceKey(key: ServiceKey): number {
  return key instanceof KnownServiceKey ? key.hash() : hash64OfText(joined(key)).high;
}

export function sameServiceKey(a: ServiceKey, b: ServiceKey): boolean {
  return a === b || (a.service === b.service && a.group === b.group && a.namespace === b.namespace);
}

function joined({ namespace, group, service }: ServiceKey): string {
  return `${namespace}/${group}/${service}`;
}

/** The inverse of {@link textFromServiceKey}. @throws RegistryError when `text` is not a valid key's text. */
export function serviceKeyFromText(text: string): ServiceKey {
  const [namespace, group, service, ...rest] = text.split("/");
  if (!namespace || !group || !service || rest.length > 0)
    throw invalidField("service key", `"namespace/group/service"`, text);
  return serviceKey({ namespace, group, service });
}
