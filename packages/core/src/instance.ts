/** One registered endpoint of a service, as a value, and the rules for its fields. */

import { digestOfText, formatDigest } from "./digest.ts";
import { invalidField, limitExceeded } from "./error.ts";
import { LIMITS } from "./limits.ts";
import { checkProbe, probeFromInput, type Probe, type ProbeInput } from "./probe.ts";

export type Health = "healthy" | "unhealthy";

export interface Instance {
  /** Identity within the service. Chosen by the registering side; survives re-registration. */
  readonly id: string;
  /** `host:port`; an IPv6 host is in brackets. */
  readonly address: string;
  /** What the address speaks, for example `http` or `grpc`; lower case. */
  readonly protocol: string;
  /** Share of traffic relative to the other instances, 0 to 10,000. */
  readonly weight: number;
  /** Where it runs, for zone-aware choice; empty when unknown. */
  readonly zone: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Bytes that only providers and consumers understand. */
  readonly payload: Uint8Array;
  readonly enabled: boolean;
  /** Found out by probes; healthy where nobody has asked for any. */
  readonly health: Health;
  /** How the registry finds out whether it can take work, if it is to. */
  readonly probe?: Probe | undefined;
}

export const DEFAULT_PROTOCOL = "tcp";
export const DEFAULT_WEIGHT = 100;

/** What a provider gives: only the address is asked for, everything else has a default. */
export type InstanceInput = { readonly address: string; readonly probe?: ProbeInput | undefined } & Partial<
  Omit<Instance, "address" | "health" | "probe">
>;

const ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._:@~-]*$/;
const PROTOCOL_PATTERN = /^[a-z0-9][a-z0-9.+-]*$/;
const ZONE_PATTERN = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/;
const METADATA_KEY_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._/-]*$/;
const HOST_PATTERN = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)$/;

const NO_PAYLOAD = new Uint8Array(0);

/**
 * A complete, valid instance from what a provider gave.
 * @param newId makes an id when none was given
 * @throws RegistryError `invalid_field` or `limit_exceeded`, naming the field, the limit and the value.
 */
export function instanceFromInput(input: InstanceInput, newId: () => string): Instance {
  return checkInstance({
    id: input.id || newId(),
    address: input.address,
    protocol: input.protocol || DEFAULT_PROTOCOL,
    weight: input.weight ?? DEFAULT_WEIGHT,
    zone: input.zone ?? "",
    metadata: input.metadata ?? {},
    payload: input.payload ?? NO_PAYLOAD,
    enabled: input.enabled ?? true,
    health: "healthy",
    probe: input.probe && probeFromInput(input.probe),
  });
}

/** Gives `instance` back when every field keeps the rules. @throws RegistryError as {@link instanceFromInput}. */
export function checkInstance(instance: Instance): Instance {
  const { id, address, protocol, weight, zone, metadata, payload } = instance;
  checkInstanceId("instance.id", id);
  checkInstanceAddress("instance.address", address);
  checkText(
    "instance.protocol",
    protocol,
    PROTOCOL_PATTERN,
    LIMITS.protocolLength,
    `lower-case letters, digits, ".", "+", "-"`,
  );
  checkWeight("instance.weight", weight);
  if (zone !== "") checkZone("instance.zone", zone);
  checkMetadata(metadata);
  if (payload.length > LIMITS.payloadBytes)
    throw limitExceeded("instance.payload", `${LIMITS.payloadBytes} bytes`, payload.length);
  if (instance.probe !== undefined) checkProbe(instance.probe);
  return instance;
}

/** The same address gives the same id, so that whoever is registered without one is replaced when he comes again. */
export function idFromAddress(protocol: string, address: string): string {
  const id = `${protocol}@${address}`;
  const isValid = id.length <= LIMITS.instanceIdLength && !address.startsWith("[");
  return isValid ? id : formatDigest(digestOfText(id));
}

function checkText(field: string, value: string, pattern: RegExp, lengthMax: number, alphabet: string): void {
  if (typeof value !== "string" || value.length > lengthMax || !pattern.test(value)) {
    throw invalidField(field, `1 to ${lengthMax} ${alphabet}`, value);
  }
}

/** @throws RegistryError `invalid_field`. */
export function checkInstanceId(field: string, id: string): void {
  const rule = `letters, digits, ".", "_", ":", "@", "~", "-", beginning with a letter or digit`;
  checkText(field, id, ID_PATTERN, LIMITS.instanceIdLength, rule);
}

/** @throws RegistryError `invalid_field`. */
export function checkWeight(field: string, weight: number): void {
  if (!Number.isInteger(weight) || weight < 0 || weight > LIMITS.weight)
    throw invalidField(field, `a whole number from 0 to ${LIMITS.weight}`, weight);
}

/** @throws RegistryError `invalid_field` when it is not the host of an address. */
export function checkHost(field: string, host: string): void {
  if (!isHost(host)) throw invalidField(field, `a host of at most ${LIMITS.hostLength} characters`, host);
}

function isHost(text: string): boolean {
  return text.length <= LIMITS.hostLength && HOST_PATTERN.test(text);
}

/** @throws RegistryError `invalid_field` when it is not `host:port`. */
export function checkInstanceAddress(field: string, address: string): void {
  const rule = `"host:port" with a host of at most ${LIMITS.hostLength} characters and a port from 1 to 65535`;
  if (typeof address !== "string") throw invalidField(field, rule, address);
  const colon = address.lastIndexOf(":");
  const port = address.slice(colon + 1);
  const portNumber = /^[0-9]{1,5}$/.test(port) ? Number(port) : 0;
  if (colon < 0 || !isHost(address.slice(0, colon)) || portNumber < 1 || portNumber > 65_535)
    throw invalidField(field, rule, address);
}

function checkMetadata(metadata: Readonly<Record<string, string>>): void {
  const entries = Object.entries(metadata);
  if (entries.length > LIMITS.metadataEntries)
    throw limitExceeded("instance.metadata", `${LIMITS.metadataEntries} entries`, entries.length);
  let bytes = 0;
  for (const [key, value] of entries) {
    checkMetadataKey("instance.metadata key", key);
    if (typeof value !== "string" || value.length > LIMITS.metadataValueLength) {
      throw invalidField(
        `instance.metadata[${JSON.stringify(key)}]`,
        `a string of at most ${LIMITS.metadataValueLength} characters`,
        value,
      );
    }
    bytes += utf8Length(key) + utf8Length(value);
  }
  if (bytes > LIMITS.metadataBytes)
    throw limitExceeded("instance.metadata", `${LIMITS.metadataBytes} bytes of keys and values`, bytes);
}

/** Gives back a valid zone. @throws RegistryError `invalid_field`. */
export function checkZone(field: string, zone: string): string {
  checkText(field, zone, ZONE_PATTERN, LIMITS.zoneLength, `letters, digits, ".", "_", "-"`);
  return zone;
}

/** Whether it wants traffic and can take it. */
export function canTakeWork({ enabled, health, weight }: Instance): boolean {
  return enabled && health === "healthy" && weight > 0;
}

/** @throws RegistryError `invalid_field` when `key` is no valid metadata key. */
export function checkMetadataKey(field: string, key: string): void {
  checkText(
    field,
    key,
    METADATA_KEY_PATTERN,
    LIMITS.metadataKeyLength,
    `letters, digits, ".", "_", "/", "-", beginning with a letter or digit`,
  );
}

function utf8Length(text: string): number {
  let length = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    // Each half of a surrogate pair counts 2 of the pair's 4 bytes.
    length += code < 0x80 ? 1 : code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 2 : 3;
  }
  return length;
}
