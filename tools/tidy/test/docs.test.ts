import { globSync, readFileSync } from "node:fs";
import { ERROR_REASONS, LIMITS, serviceKeyFromText, slotOfServiceKey } from "@rollcall/core";
import { expect, test } from "vitest";

const page = (name: string): string => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), "utf8");

test("docs/errors.md documents every reason, and no other", () => {
  const documented = [...page("errors.md").matchAll(/^\| `(\w+)` +\|/gm)].map(([, reason]) => reason);
  expect(documented).toEqual([...ERROR_REASONS]);
});

test("docs/errors.md names the limits that the code has", () => {
  const numbers = [
    LIMITS.namespaceLength,
    LIMITS.serviceLength,
    LIMITS.instanceIdLength,
    LIMITS.hostLength,
    LIMITS.protocolLength,
    LIMITS.zoneLength,
    LIMITS.weight,
    LIMITS.metadataEntries,
    LIMITS.metadataKeyLength,
    LIMITS.metadataValueLength,
    LIMITS.filterRequirements,
    LIMITS.filterValues,
    LIMITS.leaseMinMs,
    LIMITS.leaseMaxMs,
    LIMITS.clientMessageItems,
    LIMITS.registrationsPerClient,
    LIMITS.subscriptionsPerClient,
  ].map((limit) => limit.toLocaleString("en-US"));
  const missing = numbers.filter(
    (number) => !new RegExp(`(^|[^0-9,])${number}([^0-9,]|,? |$)`, "m").test(page("errors.md")),
  );
  expect(missing).toEqual([]);
});

test("the slots published in docs/api.md are those the code computes", () => {
  const rows = [...page("api.md").matchAll(/^\| `([^`]+\/[^`]+)` +\| +(\d+) +\|/gm)];
  expect(rows.length).toBeGreaterThan(3);
  for (const [, key, slot] of rows)
    expect([key, slotOfServiceKey(serviceKeyFromText(key!))]).toEqual([key, Number(slot)]);
});

test("docs/metrics.md names every metric of the code, and no other", () => {
  const root = new URL("../../../", import.meta.url);
  const sources = globSync(["packages/runtime/src/**/*.ts", "apps/*/src/**/*.ts"], { cwd: root });
  const named = sources.flatMap((source) =>
    [...readFileSync(new URL(source, root), "utf8").matchAll(/"(rollcall_[a-z0-9_]+)"/g)].map(([, name]) => name),
  );
  expect(named.length).toBeGreaterThan(20);
  const documented = [...page("metrics.md").matchAll(/^\| `(rollcall_\w+)` +\|/gm)].map(([, name]) => name);
  expect(new Set(documented)).toEqual(new Set(named));
});
