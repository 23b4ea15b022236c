import { expect, test } from "vitest";

import { bothUsages, usageWhile } from "../src/harness/usage.ts";

test("what two rounds used is their time together, the memory at the end and the longest delay", () => {
  const data = { role: "data", cpuSeconds: 1, residentMib: 10, loopDelayMs: 5 };
  const session = { role: "session", cpuSeconds: 2, residentMib: 20 };
  expect(bothUsages([], [data, session])).toEqual([data, { ...session, loopDelayMs: undefined }]);
  expect(bothUsages([data], [{ ...data, cpuSeconds: 3, residentMib: 9, loopDelayMs: 4 }])).toEqual([
    { role: "data", cpuSeconds: 4, residentMib: 9, loopDelayMs: 5 },
  ]);
});

test("processes of one role are one row, and who does not tell how late its event loop is has nothing there", async () => {
  const server = { role: "bench", pid: process.pid };
  const { usage, result } = await usageWhile([server, server], () => Promise.resolve("done"));
  expect(result).toBe("done");
  expect(usage.map(({ role, loopDelayMs }) => [role, loopDelayMs])).toEqual([["bench", undefined]]);
  expect(usage[0]!.residentMib).toBeGreaterThan(20);
});
