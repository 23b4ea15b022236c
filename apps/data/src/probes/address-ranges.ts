/**
 * Which IP addresses a node may probe. Whoever may register an instance may name any address, and what a probe makes of it
 * is seen by all: without a bound, the registry would tell its clients what answers in places they cannot reach. Some
 * addresses are never probed, whatever is allowed: links' own, where clouds keep their metadata services, and those that
 * are of no single machine.
 */

import { addressRangeFromText, invalidField, isInRange, numberFromAddress, type AddressRange } from "@rollcall/core";

/** This machine and private networks. */
export const DEFAULT_RANGES: readonly string[] = [
  "127.0.0.0/8",
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "::1/128",
  "fc00::/7",
];

/** Links' own addresses, "this network", multicast, and what of clouds' metadata services lies elsewhere. */
const NEVER: readonly string[] = [
  "169.254.0.0/16",
  "fe80::/10",
  "fd00:ec2::254/128",
  "100.100.100.200/32",
  "168.63.129.16/32",
  "192.0.0.192/32",
  "0.0.0.0/8",
  "::/128",
  "224.0.0.0/3",
  "ff00::/8",
];

/** IPv4 addresses in IPv6, see {@link numberFromAddress}. */
const MAPPED = 0xffffn << 32n;
/** Other ways to write an IPv4 address in IPv6, by what stands before it: deprecated ones, and those of translators. */
const TRANSLATED: readonly bigint[] = [0n, 0x0064ff9bn << 96n];
const IPV4_MASK = 0xffff_ffffn;
/** Below this the deprecated form would be of "this network"; `::1` is no IPv4 address. */
const IPV4_LEAST = 0x0100_0000n;

export class AddressRanges {
  readonly #allowed: readonly AddressRange[];
  readonly #never = NEVER.map((text) => rangeFromText(text)!);

  /** @param allowed as `address/bits` @throws RegistryError `invalid_field`, naming the one that is no range */
  constructor(allowed: readonly string[]) {
    this.#allowed = allowed.map((text) => {
      const range = rangeFromText(text);
      if (range === undefined)
        throw invalidField("probeRanges", 'ranges of addresses such as "10.0.0.0/8" or "fd00::/8"', text);
      return range;
    });
  }

  /** Why the address may not be probed; undefined when it may. */
  refusal(address: string): string | undefined {
    const number = numberFromAddress(address);
    if (number === undefined) return `${address} is no IP address`;
    const meant = TRANSLATED.some((before) => isTranslated(number, before)) ? MAPPED | (number & IPV4_MASK) : number;
    const never = this.#never.find((range) => isInRange(meant, range) || isInRange(number, range));
    if (never !== undefined) return `${address} is in ${never.text}, which is never probed`;
    if (this.#allowed.some((range) => isInRange(meant, range))) return undefined;
    return `${address} is in none of the ranges that this node may probe (probeRanges)`;
  }
}

function isTranslated(number: bigint, before: bigint): boolean {
  return number >> 32n === before >> 32n && (before !== 0n || number >= IPV4_LEAST);
}

function rangeFromText(text: string): AddressRange | undefined {
  return text.includes("/") ? addressRangeFromText(text) : undefined;
}
