import { mergeConfig } from "vitest/config";

import { projectConfig } from "../../vitest.shared.ts";

// Whoever runs the tests may want colours of them; the tables under test are compared as plain text.
export default mergeConfig(projectConfig, { test: { env: { FORCE_COLOR: "0" } } });
