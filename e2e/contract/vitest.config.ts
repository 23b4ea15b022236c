import { mergeConfig } from "vitest/config";

import { projectConfig } from "../../vitest.shared.ts";

export default mergeConfig(projectConfig, { test: { testTimeout: 30_000, hookTimeout: 60_000 } });
