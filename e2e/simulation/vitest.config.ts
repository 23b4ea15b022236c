import { mergeConfig } from "vitest/config";

import { projectConfig } from "../../vitest.shared.ts";

// Every core has seeds to run.
export default mergeConfig(projectConfig, { test: { maxWorkers: 2 } });
