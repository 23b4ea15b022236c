#!/usr/bin/env node
// The `rollcall` command in a clone of the repository, where everything runs from its sources. What users install is
// made by tools/pack.

import { registerHooks } from "node:module";

registerHooks({
  resolve: (name, context, next) => next(name, { ...context, conditions: [...context.conditions, "@rollcall/source"] }),
});
await import("../src/main.ts");
