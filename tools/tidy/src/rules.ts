import type { Rule } from "./repository.ts";
import { importRules } from "./rules/imports.ts";
import { manifestRules } from "./rules/manifests.ts";
import { shapeRules } from "./rules/shape.ts";
import { textRules } from "./rules/texts.ts";
import { words } from "./rules/words.ts";

/** The house rules that neither the compiler nor oxlint can hold. */
export const rules: readonly Rule[] = [words, ...shapeRules, ...importRules, ...manifestRules, ...textRules];
