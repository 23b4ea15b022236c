#!/usr/bin/env node
// The `rollcall` command. In a clone of the repository it runs the sources as they are, like everything there;
// installed as a package, where Node erases no types, what was built of them.

import { registerHooks } from "node:module";

if (import.meta.url.includes("/node_modules/")) {
  await import("../dist/main.js");
} else {
  registerHooks({
    resolve: (name, context, next) =>
      next(name, { ...context, conditions: [...context.conditions, "@rollcall/source"] }),
  });
  await import("../src/main.ts");
}
