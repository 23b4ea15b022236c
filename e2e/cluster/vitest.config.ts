import { mergeConfig } from "vitest/config";

import { projectConfig } from "../../vitest.shared.ts";

/** Those that keep many processes busy while they watch the clock. */
const BUSY = "test/{elections,partition}.test.ts";
const OTHERS = "test/!(elections|partition).test.ts";

// Each file has a cluster of its own. Half of the time most of them wait, for a lease to end or for nothing to happen, so that
// three side by side have two cores for themselves; with more of them, or of those that do not wait, times would say nothing.
export default mergeConfig(projectConfig, {
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: "busy", exclude: [OTHERS], maxWorkers: 2, sequence: { groupOrder: 0 } } },
      { extends: true, test: { name: "waiting", exclude: [BUSY], maxWorkers: 3, sequence: { groupOrder: 1 } } },
    ],
  },
});
