import { epoch } from "@rollcall/core";
import { expect, test } from "vitest";

import { HistoryRecorder, checkDrained } from "../src/index.ts";

const OF = { service: "orders", instanceId: "a" };
const VERSION = { epoch: epoch(1), counter: 1 };

/** A drain that is said to be done while a subscriber shows the instance, unless `before` makes up for it. */
function told(before: (history: HistoryRecorder) => void): number {
  const clock = { at: 0, now: () => clock.at++ };
  const history = new HistoryRecorder(clock);
  const view = { kind: "view", client: "s", service: "orders", filter: "", version: VERSION, confirmed: true } as const;
  history.record({ kind: "register", client: "p", ...OF, content: "x" });
  history.record({ kind: "subscribe", client: "s", service: "orders", filter: "", takes: () => true });
  history.record({ ...view, instances: new Map([["a", "x"]]) });
  const unregister = history.record({ kind: "unregister", client: "p", ...OF });
  before(history);
  history.record({ kind: "drained", unregister });
  return checkDrained(history.history()).length;
}

const shownTo = (history: HistoryRecorder, ...ids: string[]) =>
  history.record({
    kind: "view",
    client: "s",
    service: "orders",
    filter: "",
    version: VERSION,
    confirmed: true,
    instances: new Map(ids.map((id) => [id, "x"])),
  });

test.each([
  { what: "a live subscriber still shows the instance", found: 1, before: () => {} },
  { what: "it shows it again", found: 1, before: (history: HistoryRecorder) => shownTo(history, "a", "b") },
  {
    what: "it has been shown a list without it",
    found: 0,
    before: (history: HistoryRecorder) => shownTo(history, "b"),
  },
  {
    what: "it was away meanwhile",
    found: 0,
    before: (history: HistoryRecorder) => history.record({ kind: "connection lost", client: "s" }),
  },
  {
    what: "somebody has registered it again",
    found: 0,
    before: (history: HistoryRecorder) => history.record({ kind: "register", client: "q", ...OF, content: "y" }),
  },
])("a drain that is said to be done when $what: $found violations", ({ found, before }) => {
  expect(told(before)).toBe(found);
});
