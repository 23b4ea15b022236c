import { defineConfig } from "vitest/config";

/** All unit tests in one process, for watching: `npx vitest`. */
export default defineConfig({
  test: { projects: ["{packages,apps,tools}/*/vitest.config.ts"] },
});
