import { mergeConfig } from "vitest/config";

import { projectConfig } from "../../vitest.shared.ts";

// Each file has a cluster of its own; with more of them side by side than there are cores, times would say nothing.
export default mergeConfig(projectConfig, { test: { maxWorkers: 2, testTimeout: 30_000, hookTimeout: 60_000 } });
