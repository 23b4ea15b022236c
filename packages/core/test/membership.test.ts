import { expect, test } from "vitest";
import { memberKey } from "../src/membership.ts";

test("two lives of one node have different keys", () => {
  expect(memberKey({ nodeId: "data-1", incarnation: 3 })).toBe("data-1#3");
  expect(memberKey({ nodeId: "data-1", incarnation: 4 })).not.toBe(memberKey({ nodeId: "data-1", incarnation: 3 }));
});
