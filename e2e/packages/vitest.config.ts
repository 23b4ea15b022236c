import { mergeConfig } from "vitest/config";

import { projectConfig } from "../../vitest.shared.ts";

export default mergeConfig(projectConfig, { test: { testTimeout: 60_000, hookTimeout: 180_000 } });
