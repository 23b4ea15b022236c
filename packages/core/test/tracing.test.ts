import { expect, test } from "vitest";
import { traceparentFromText } from "../src/tracing.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";

test.each([`00-${TRACE}-${SPAN}-01`, `00-${TRACE}-${SPAN}-03`])("%s is handed on", (text) => {
  expect(traceparentFromText(text)).toBe(text);
});

test.each([
  ["nothing", undefined],
  ["an absent header", null],
  ["an empty field", ""],
  ["one that is not sampled", `00-${TRACE}-${SPAN}-00`],
  ["another version", `01-${TRACE}-${SPAN}-01`],
  ["no trace", `00-${"0".repeat(32)}-${SPAN}-01`],
  ["no span", `00-${TRACE}-${"0".repeat(16)}-01`],
  ["capital letters", `00-${TRACE.toUpperCase()}-${SPAN}-01`],
  ["more than that", `00-${TRACE}-${SPAN}-01-what`],
  ["a line break at the end", `00-${TRACE}-${SPAN}-01\n`],
  ["something else", "x".repeat(10_000)],
])("%s is no context", (_what, text) => {
  expect(traceparentFromText(text)).toBeUndefined();
});
