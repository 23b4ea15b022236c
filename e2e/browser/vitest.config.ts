import { mergeConfig } from "vitest/config";

import { projectConfig } from "../../vitest.shared.ts";

// The first run may have to install the browser.
export default mergeConfig(projectConfig, { test: { maxWorkers: 1, testTimeout: 60_000, hookTimeout: 300_000 } });
