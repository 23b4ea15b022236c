import { describe, expect, test } from "vitest";

import { AddressRanges, DEFAULT_RANGES } from "../src/probes/address-ranges.ts";

const usual = new AddressRanges(DEFAULT_RANGES);
const everywhere = new AddressRanges(["0.0.0.0/0", "::/0"]);

describe("which addresses may be probed", () => {
  test.each([
    "127.0.0.1",
    "127.255.255.255",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "::1",
    "0:0:0:0:0:0:0:1",
    "fd12:3456::1",
    "::ffff:10.0.0.1",
    "::ffff:a00:1",
    "::10.0.0.1",
    "64:ff9b::192.168.0.1",
  ])("this machine and private networks are, when nothing is said: %s", (address) => {
    expect(usual.refusal(address)).toBeUndefined();
  });

  test.each([
    "8.8.8.8",
    "172.32.0.1",
    "172.15.255.255",
    "192.169.0.1",
    "11.0.0.0",
    "126.255.255.255",
    "2001:db8::1",
    "::2",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
  ])("others are not, unless they are allowed: %s", (address) => {
    expect(usual.refusal(address)).toMatch(/in none of the ranges/);
    expect(everywhere.refusal(address)).toBeUndefined();
  });

  test.each([
    "169.254.169.254",
    "169.254.0.1",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "::169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "fe80::1",
    "febf::1",
    "fd00:ec2::254",
    "100.100.100.200",
    "0.0.0.0",
    "::",
    "::ffff:0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "ff02::1",
  ])("some never are, whatever is allowed: %s", (address) => {
    expect(everywhere.refusal(address)).toMatch(/never probed/);
  });

  test.each([
    "",
    "localhost",
    "127.1",
    "0x7f.0.0.1",
    "010.0.0.1",
    "256.0.0.1",
    "fe80::1%eth0",
    "1:2:3",
    "::1::",
    "12345::",
  ])("what is no address is not: %s", (address) => {
    expect(everywhere.refusal(address)).toMatch(/no IP address/);
  });

  test("nothing is when no range is given", () => {
    expect(new AddressRanges([]).refusal("127.0.0.1")).toBeDefined();
  });

  test.each(["10.0.0.0", "10.0.0.0/33", "::/129", "10.0.0/8", "lan/8", "10.0.0.0/8/8", "10.0.0.0/-1", ""])(
    "a range that is none is refused by name: %s",
    (text) => {
      expect(() => new AddressRanges([text])).toThrow(/probeRanges/);
    },
  );
});
