import { defaultClientConditions, defineConfig } from "vite";

export default defineConfig({
  root: "src",
  // Only here, where the SDK is not built: elsewhere its name leads to what is published.
  resolve: { conditions: ["@rollcall/source", ...defaultClientConditions] },
  build: { outDir: "../dist", emptyOutDir: true, target: "es2024" },
  server: { port: 5173, strictPort: true },
});
