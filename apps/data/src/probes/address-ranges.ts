/**
 * Which IP addresses a node may probe. Whoever may register an instance may name any address, and what a probe makes of it
 * is seen by all: without a bound, the registry would tell its clients what answers in places they cannot reach. Some
 * addresses are never probed, whatever is allowed: links' own, where clouds keep their metadata services, and those that
 * are of no single machine.
 */

import { invalidField } from "@rollcall/core";

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

/** IPv4 addresses in IPv6: as nodes write them for themselves, which makes both forms of an address one number here. */
const MAPPED = 0xffffn << 32n;
/** Other ways to write an IPv4 address in IPv6, by what stands before it: deprecated ones, and those of translators. */
const TRANSLATED: readonly bigint[] = [0n, 0x0064ff9bn << 96n];
const IPV4_MASK = 0xffff_ffffn;
/** Below this the deprecated form would be of "this network"; `::1` is no IPv4 address. */
const IPV4_LEAST = 0x0100_0000n;

const BITS = 128;

interface Range {
  readonly text: string;
  readonly first: bigint;
  /** Bits that are not looked at. */
  readonly free: bigint;
}

export class AddressRanges {
  readonly #allowed: readonly Range[];
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
    const never = this.#never.find((range) => isIn(meant, range) || isIn(number, range));
    if (never !== undefined) return `${address} is in ${never.text}, which is never probed`;
    if (this.#allowed.some((range) => isIn(meant, range))) return undefined;
    return `${address} is in none of the ranges that this node may probe (probeRanges)`;
  }
}

function isTranslated(number: bigint, before: bigint): boolean {
  return number >> 32n === before >> 32n && (before !== 0n || number >= IPV4_LEAST);
}

function isIn(number: bigint, { first, free }: Range): boolean {
  return number >> free === first >> free;
}

function rangeFromText(text: string): Range | undefined {
  const [address = "", length, ...rest] = text.split("/");
  const first = numberFromAddress(address);
  if (first === undefined || length === undefined || rest.length > 0 || !/^[0-9]{1,3}$/.test(length)) return undefined;
  const most = address.includes(":") ? BITS : 32;
  const bits = Number(length);
  return bits > most ? undefined : { text, first, free: BigInt(most - bits) };
}

/** An address as a number of 128 bits, whichever way it is written; undefined when it is none. */
function numberFromAddress(address: string): bigint | undefined {
  if (!address.includes(":")) {
    const number = numberFromIpv4(address);
    return number === undefined ? undefined : MAPPED | number;
  }
  const [head = "", tail, ...more] = address.split("::");
  if (more.length > 0) return undefined;
  const before = wordsFromText(head);
  const after = tail === undefined ? [] : wordsFromText(tail);
  if (before === undefined || after === undefined) return undefined;
  const missing = BITS / 16 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const words = [...before, ...Array.from({ length: missing }, () => 0n), ...after];
  return words.reduce((number, word) => (number << 16n) | word, 0n);
}

/** Words of 16 bits; the last two may be written as an IPv4 address. */
function wordsFromText(text: string): bigint[] | undefined {
  if (text === "") return [];
  const words: bigint[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (index === parts.length - 1 && part.includes(".")) {
      const number = numberFromIpv4(part);
      if (number === undefined) return undefined;
      words.push(number >> 16n, number & 0xffffn);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) words.push(BigInt(`0x${part}`));
    else return undefined;
  }
  return words;
}

function numberFromIpv4(text: string): bigint | undefined {
  const parts = text.split(".");
  // No leading zeros: some read them as octal.
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return parts.reduce((number, part) => (number << 8n) | BigInt(part), 0n);
}
