import { expect, test } from "vitest";

import { formatHistory } from "../src/index.ts";
import { registeredRun } from "./said.ts";

test("a history reads like a story, of all services or of some", () => {
  const history = registeredRun().at(20).fault("data-1 is killed").endAt(30);
  expect(formatHistory(history)).toBe(
    [
      "     0.000  reader subscribes to default/default/orders",
      "    10.000  provider registers default/default/orders i-1 as v1 (1)",
      "    11.000  (1) is registered at 1.1",
      "    12.000  reader sees default/default/orders 1.1: i-1 (v1)",
      "    20.000  data-1 is killed",
    ].join("\n"),
  );
  expect(formatHistory(history, new Set(["default/default/stock"]))).toBe("    20.000  data-1 is killed");
});
