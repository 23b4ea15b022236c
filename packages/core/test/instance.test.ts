import { describe, expect, test } from "vitest";
import { checkInstance, instanceFromInput, type Instance } from "../src/instance.ts";
import { LIMITS } from "../src/limits.ts";
import { expectRefusal } from "./refusal.ts";

const valid: Instance = instanceFromInput({ id: "i-1", address: "10.0.0.1:8080" }, () => "unused");
const check = (change: object) => () => checkInstance({ ...valid, ...change });

test("only the address is asked for", () => {
  expect(instanceFromInput({ address: "10.0.0.1:8080" }, () => "made")).toEqual({
    id: "made",
    address: "10.0.0.1:8080",
    protocol: "tcp",
    weight: 100,
    zone: "",
    metadata: {},
    payload: new Uint8Array(0),
    enabled: true,
    health: "healthy",
  });
});

test("what is given stays, a weight of 0 and a disabled state included", () => {
  const given = {
    id: "i-1",
    address: "[::1]:80",
    protocol: "grpc",
    weight: 0,
    zone: "eu-west-1a",
    metadata: { version: "2" },
    payload: Uint8Array.of(1, 2),
    enabled: false,
  };
  expect(instanceFromInput(given, () => "unused")).toEqual({ ...given, health: "healthy" });
});

describe("each limit, at its edge", () => {
  const entries = (count: number, valueLength = 0) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, index) => [`k${String(index).padStart(3, "0")}`, "v".repeat(valueLength)]),
    );
  /** Metadata of exactly this many bytes: four for each key. */
  const metadataOf = (bytes: number) => {
    const full = Math.floor(bytes / 1_024);
    const metadata: Record<string, string> = entries(full, 1_020);
    if (bytes % 1_024 > 0) metadata["last"] = "v".repeat((bytes % 1_024) - 4);
    return metadata;
  };

  test.each([
    {
      field: "instance.id",
      allowed: { id: "i".repeat(LIMITS.instanceIdLength) },
      refused: { id: "i".repeat(LIMITS.instanceIdLength + 1) },
    },
    { field: "instance.id", allowed: { id: "a._:@~-" }, refused: { id: "" } },
    { field: "instance.id", allowed: { id: "9" }, refused: { id: "-9" } },
    { field: "instance.id", allowed: { id: "a" }, refused: { id: "a\n" } },
    {
      field: "instance.protocol",
      allowed: { protocol: "p".repeat(LIMITS.protocolLength) },
      refused: { protocol: "p".repeat(LIMITS.protocolLength + 1) },
    },
    { field: "instance.protocol", allowed: { protocol: "h2c+tls-1.3" }, refused: { protocol: "HTTP" } },
    {
      field: "instance.zone",
      allowed: { zone: "z".repeat(LIMITS.zoneLength) },
      refused: { zone: "z".repeat(LIMITS.zoneLength + 1) },
    },
    { field: "instance.zone", allowed: { zone: "" }, refused: { zone: "zone-" } },
    { field: "instance.weight", allowed: { weight: LIMITS.weight }, refused: { weight: LIMITS.weight + 1 } },
    { field: "instance.weight", allowed: { weight: 0 }, refused: { weight: -1 } },
    { field: "instance.weight", allowed: { weight: 1 }, refused: { weight: 1.5 } },
    { field: "instance.weight", allowed: { weight: 1 }, refused: { weight: NaN } },
    {
      field: "instance.address",
      allowed: { address: `${"h".repeat(LIMITS.hostLength)}:1` },
      refused: { address: `${"h".repeat(LIMITS.hostLength + 1)}:1` },
    },
    { field: "instance.address", allowed: { address: "host:65535" }, refused: { address: "host:65536" } },
    { field: "instance.address", allowed: { address: "host:1" }, refused: { address: "host:0" } },
    { field: "instance.address", allowed: { address: "[fe80::1]:80" }, refused: { address: "fe80::1:80" } },
    {
      field: "instance.metadata key",
      allowed: { metadata: { ["k".repeat(LIMITS.metadataKeyLength)]: "" } },
      refused: { metadata: { ["k".repeat(LIMITS.metadataKeyLength + 1)]: "" } },
    },
    { field: "instance.metadata key", allowed: { metadata: { "a._/-": "" } }, refused: { metadata: { "": "" } } },
    {
      field: 'instance.metadata["k"]',
      allowed: { metadata: { k: "v".repeat(LIMITS.metadataValueLength) } },
      refused: { metadata: { k: "v".repeat(LIMITS.metadataValueLength + 1) } },
    },
  ])("$field", ({ field, allowed, refused }) => {
    expect(check(allowed)()).toMatchObject(allowed);
    expectRefusal(check(refused), "invalid_field", field);
  });

  test.each([
    {
      what: "entries",
      field: "instance.metadata",
      allowed: { metadata: entries(LIMITS.metadataEntries) },
      refused: { metadata: entries(LIMITS.metadataEntries + 1) },
    },
    {
      what: "bytes",
      field: "instance.metadata",
      allowed: { metadata: metadataOf(LIMITS.metadataBytes) },
      refused: { metadata: metadataOf(LIMITS.metadataBytes + 5) },
    },
    {
      what: "bytes",
      field: "instance.payload",
      allowed: { payload: new Uint8Array(LIMITS.payloadBytes) },
      refused: { payload: new Uint8Array(LIMITS.payloadBytes + 1) },
    },
  ])("$what of $field", ({ field, allowed, refused }) => {
    expect(check(allowed)()).toMatchObject(allowed);
    expectRefusal(check(refused), "limit_exceeded", field);
  });

  test("metadata is measured in bytes of UTF-8", () => {
    const text = "aäя日😀";
    const bytes = new TextEncoder().encode(text).length;
    const times = Math.floor((LIMITS.metadataBytes / 8 - 2) / bytes);
    const metadata = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`k${index}`, text.repeat(times)]));
    const left = LIMITS.metadataBytes - 8 * (2 + times * bytes);
    const filled = { ...metadata, k0: metadata["k0"] + "v".repeat(left) };
    expect(check({ metadata: filled })()).toMatchObject({ metadata: filled });
    const error = expectRefusal(
      check({ metadata: { ...filled, k1: `${metadata["k1"]}v` } }),
      "limit_exceeded",
      "instance.metadata",
    );
    expect(error.subject).toEqual({
      field: "instance.metadata",
      limit: `${LIMITS.metadataBytes} bytes of keys and values`,
      value: String(LIMITS.metadataBytes + 1),
    });
  });
});

test.each([
  "",
  "host",
  "host:",
  ":80",
  "host:port",
  "host:080808",
  "ho st:80",
  "host:-1",
  "host:1.5",
  "http://host:80",
  "[::1]",
  "-h:80",
  80,
])("%j is no address", (address) => {
  expectRefusal(check({ address }), "invalid_field", "instance.address");
});

test("a metadata value that is no string is refused by name", () => {
  expectRefusal(check({ metadata: { zone: 7 } }), "invalid_field", 'instance.metadata["zone"]');
});
