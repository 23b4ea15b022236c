import { defaultClientConditions, defaultServerConditions } from "vite";
import { defineConfig, type ViteUserConfig } from "vitest/config";

/** The export condition under which a package's name leads to its sources, so that tests need no build. */
const sourceCondition = "@rollcall/source";

/** What every project's tests share. Tests lie in `test/`; the report is summed by `tools/run-tests`. */
export const projectConfig: ViteUserConfig = defineConfig({
  resolve: { conditions: [sourceCondition, ...defaultClientConditions] },
  ssr: { resolve: { conditions: [sourceCondition, ...defaultServerConditions] } },
  test: {
    include: ["test/**/*.test.ts"],
    reporters: ["default", ["json", { outputFile: "test-report.json" }]],
  },
});
