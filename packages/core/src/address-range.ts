/** IP addresses and ranges of them as numbers, so that an address is in a range whichever way it is written. */

/** Addresses that begin with the same bits. */
export interface AddressRange {
  readonly text: string;
  readonly first: bigint;
  /** How many bits at the end are not looked at. */
  readonly freeBits: bigint;
}

/** IPv4 addresses in IPv6, as machines write them for themselves: both forms of an address are one number here. */
const MAPPED = 0xffffn << 32n;

const BITS = 128;
const IPV4_BITS = 32;

/** `10.0.0.0/8`, `fd00::/8`, or an address for itself alone; undefined when it is neither. */
export function addressRangeFromText(text: string): AddressRange | undefined {
  const [address = "", length, ...rest] = text.split("/");
  const first = numberFromAddress(address);
  if (first === undefined || rest.length > 0) return undefined;
  const most = address.includes(":") ? BITS : IPV4_BITS;
  if (length === undefined) return { text, first, freeBits: 0n };
  const bits = /^[0-9]{1,3}$/.test(length) ? Number(length) : Infinity;
  return bits > most ? undefined : { text, first, freeBits: BigInt(most - bits) };
}

export function isInRange(address: bigint, { first, freeBits }: AddressRange): boolean {
  return address >> freeBits === first >> freeBits;
}

/** An address as a number of 128 bits; undefined when it is none. */
export function numberFromAddress(address: string): bigint | undefined {
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
