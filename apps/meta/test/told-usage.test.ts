import { epoch, type UsageReport } from "@rollcall/core";
import { expect, test } from "vitest";
import { ToldUsage } from "../src/membership/told-usage.ts";

const member = (nodeId: string, incarnation = 1) => ({
  nodeId,
  incarnation,
  role: "data" as const,
  address: `${nodeId}:1`,
  draining: false,
});
const report = (tableEpoch: number, instances: number): UsageReport => ({
  tableEpoch: epoch(tableEpoch),
  namespaces: [{ namespace: "shop", instances, services: 1 }],
});

const [a, b, c] = [member("a"), member("b"), member("c")];

test("a data node is told the sum of what all the others have", () => {
  const usage = new ToldUsage();
  usage.report(a, report(7, 1));
  usage.report(b, report(7, 10));
  usage.report(c, report(7, 100));
  expect(usage.elsewhere(a, [a, b, c])).toEqual({
    tableEpoch: 7,
    namespaces: [{ namespace: "shop", instances: 110, services: 2 }],
  });
  expect(usage.elsewhere(a, [a])).toEqual({ tableEpoch: 7, namespaces: [] });
});

test("nothing is told while somebody has said nothing, in this life, or goes by another slot table", () => {
  const usage = new ToldUsage();
  usage.report(a, report(7, 1));
  expect(usage.elsewhere(a, [a, b])).toBeUndefined();
  usage.report(b, report(6, 10));
  expect(usage.elsewhere(a, [a, b])).toBeUndefined();
  usage.report(b, report(7, 10));
  expect(usage.elsewhere(a, [a, b])).toBeDefined();
  expect(usage.elsewhere(a, [a, member("b", 2)])).toBeUndefined();
});
