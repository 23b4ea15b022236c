import { readFileSync, readdirSync } from "node:fs";
import { builtinModules } from "node:module";
import { defineConfig, type OxlintConfig } from "oxlint";

/**
 * Who may import whom, and what the logic may not touch. CONTRIBUTING.md draws the picture; the table at the end of
 * this file is what holds. A later override replaces an earlier one's rule, so each override states its full list.
 */

interface Ban {
  /** A regular expression over what stands after `from`. */
  readonly regex: string;
  readonly message: string;
}

/** Every name by which something of ours can be imported, read from the projects' exports. */
const ourEntries = ["packages", "apps", "e2e", "tools", "examples"]
  .flatMap((folder) => readdirSync(new URL(`./${folder}/`, import.meta.url)).map((project) => `${folder}/${project}`))
  .flatMap((project) => {
    const manifest = JSON.parse(readFileSync(new URL(`./${project}/package.json`, import.meta.url), "utf8")) as {
      readonly name: string;
      readonly exports?: Readonly<Record<string, unknown>>;
    };
    return Object.keys(manifest.exports ?? { ".": {} }).map((entry) => manifest.name + entry.slice(1));
  });

/** Entries that lead inside, for the tests that break a part on purpose. */
const isParts = (entry: string): boolean => entry.endsWith("/parts");
const publicEntries = ourEntries.filter((entry) => !isParts(entry));

const neighboursByName: Ban = {
  regex: "^(\\.\\./)+[^./][^/]*(/[^/]+)?/(src|dist)/",
  message: "Import another project by its package name: its exports are its public entry.",
};
const oursByFolder: Ban = {
  regex: "^@rollcall/[^/]+/(src|dist|test)/",
  message: "Import another project by its package name: its exports are its public entry.",
};
const noNode: Ban = {
  regex: `^(node:.*|${builtinModules.filter((name) => !name.startsWith("node:")).join("|")})$`,
  message: "This code runs anywhere, the simulator included: take what you need from Node through a port.",
};
const noNodeEntry: Ban = {
  regex: "(^|/)node/",
  message: "The heart does not know its platforms: node/ imports the heart, never the other way round.",
};
// oxlint silently ignores a pattern with a look-ahead, so "none but ours" is spelt out; `onlyOurs` does the rest.
const noOutside: Ban = {
  regex: "^([^.@]|@[^r])",
  message: "The logic imports no package from outside and nothing of Node: take what you need through a port.",
};
const noEdges: Ban = {
  regex: "^\\.\\.?/(.*/)?((rpc|peers)/|(server|main|config)\\.ts$)",
  message: "A mechanism imports @rollcall/core, its neighbours and ports; server.ts hands it everything else.",
};
const noRpcFromPeers: Ban = {
  regex: "^\\.\\.?/(.*/)?(rpc/|(server|main)\\.ts$)",
  message: "peers/ is an edge of its own: it imports ports, protocol and runtime.",
};

/** Of ours, only these entries. */
const onlyOurs = (...allowed: string[]) =>
  ourEntries
    .filter((name) => !allowed.includes(name))
    .map((name) => ({
      name,
      message: isParts(name)
        ? "Only the mutants of the simulator reach inside a project, to break a part on purpose: import its public entry."
        : `Of our own packages, this folder imports ${allowed.join(", ") || "none"} (CONTRIBUTING.md, "Who may import whom").`,
    }));

type Rules = NonNullable<OxlintConfig["rules"]>;

const imports = (allowedOurs: readonly string[], ...bans: Ban[]): Rules => ({
  "no-restricted-imports": [
    "error",
    { paths: onlyOurs(...allowedOurs), patterns: [neighboursByName, oursByFolder, ...bans] },
  ],
});

const clock = "Use the Clock port: time is handed in, or the simulator cannot move it.";
const random = "Use the Random port: randomness is handed in, or a seed does not repeat.";
const platform = "Take it as an argument or through a port: this code runs anywhere.";
const timers = ["setTimeout", "setInterval", "setImmediate", "clearTimeout", "clearInterval", "clearImmediate"];

/** D18: the logic reads no clock, draws no randomness and touches no platform. */
const pure: Rules = {
  "no-restricted-globals": [
    "error",
    ...["Date", "performance", ...timers].map((name) => ({ name, message: clock })),
    { name: "crypto", message: random },
    ...["process", "fetch", "console"].map((name) => ({ name, message: platform })),
  ],
  "no-restricted-properties": [
    "error",
    { object: "Math", property: "random", message: random },
    ...["Date", "performance", ...timers].map((property) => ({ object: "globalThis", property, message: clock })),
    { object: "globalThis", property: "crypto", message: random },
  ],
};
const impure: Rules = { "no-restricted-globals": "off", "no-restricted-properties": "off" };

const core = "@rollcall/core";
const protocol = "@rollcall/protocol";
const cluster = "@rollcall/cluster";
const tracing = "@rollcall/tracing";
const runtime = "@rollcall/runtime";
const stream = "@rollcall/runtime/stream";
const errors = "@rollcall/runtime/errors";
/** What an app's edges and its composition root may take. */
const edge = [core, protocol, cluster, runtime, stream];
const servers = "{session,data,meta}";

export default defineConfig({
  plugins: ["typescript", "unicorn", "oxc", "import", "promise", "node", "vitest"],
  categories: { correctness: "error", suspicious: "error" },
  options: { typeAware: true, reportUnusedDisableDirectives: "error" },
  ignorePatterns: ["**/dist/**", "packages/protocol/src/gen/**"],
  rules: {
    // Promises and unions: the mistakes that cost most in this kind of code.
    "typescript/no-floating-promises": "error",
    "typescript/no-misused-promises": "error",
    "typescript/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
    "typescript/only-throw-error": "error",
    "typescript/prefer-promise-reject-errors": "error",
    "typescript/return-await": "error",
    "typescript/use-unknown-in-catch-callback-variable": "error",

    "typescript/consistent-type-imports": "error",
    "typescript/no-explicit-any": "error",
    "typescript/no-namespace": "error",
    "typescript/no-unsafe-assignment": "error",
    "typescript/no-unsafe-call": "error",
    "typescript/no-unsafe-member-access": "error",
    "typescript/no-unsafe-return": "error",
    "typescript/no-unsafe-argument": "error",
    "typescript/ban-ts-comment": "error",
    "typescript/no-deprecated": "error",

    "import/no-commonjs": "error",
    "import/no-mutable-exports": "error",
    "import/no-self-import": "error",
    "import/no-duplicates": "error",
    "unicorn/prefer-node-protocol": "error",

    eqeqeq: "error",
    "no-console": "error",
    "no-var": "error",
    "prefer-const": "error",
    "no-param-reassign": "error",
    "no-unused-vars": [
      "error",
      { args: "after-used", argsIgnorePattern: "^_", varsIgnorePattern: "^_", ignoreRestSiblings: true },
    ],

    // House style differs from the suspicious category here.
    // The compiler already refuses a function that can end without its value; this rule misreads exhaustive switches.
    "consistent-return": "off",
    "typescript/consistent-return": "off",
    "unicorn/require-module-specifiers": "off",
    "no-shadow": "off",
    "no-underscore-dangle": "off",
    "import/no-unassigned-import": "off",
    "typescript/no-unsafe-type-assertion": "off",
    "unicorn/consistent-function-scoping": "off",

    ...imports(publicEntries),
  },
  overrides: [
    // packages
    { files: ["packages/core/src/**"], rules: { ...imports([], noOutside), ...pure } },
    {
      files: ["packages/protocol/src/**"],
      rules: imports([core], noNode),
    },
    { files: ["packages/cluster/src/**"], rules: { ...imports([core, protocol], noNode), ...pure } },
    { files: ["packages/tracing/src/**"], rules: { ...imports([core], noNode), ...pure } },
    { files: ["packages/runtime/src/**"], rules: imports([core, tracing]) },
    {
      files: ["packages/sdk/src/**"],
      rules: { ...imports([core, protocol], noNode, noNodeEntry), ...pure },
    },
    // What balances calls knows the platform's way to make them, but no Node.
    {
      files: ["packages/sdk/src/{fetch,connect}/**"],
      rules: { ...imports([core, protocol], noNode, noNodeEntry), ...impure },
    },
    // A registry in memory runs anywhere; only its ports are the platform's, of which every platform has these.
    { files: ["packages/sdk/src/testing/ports.ts"], rules: impure },
    { files: ["packages/sdk/src/grpc-js/**"], rules: { ...imports([core, protocol]), ...impure } },
    { files: ["packages/sdk/src/node/**"], rules: { ...imports([core, protocol, stream, tracing]), ...impure } },
    {
      files: ["packages/sdk/src/web/**"],
      rules: { ...imports([core, protocol, errors], noNode, noNodeEntry), ...impure },
    },
    { files: ["packages/testing/src/**"], rules: { ...imports([core, protocol], noNode), ...pure } },

    // apps: the edges and the composition root, then the mechanisms, then the edges' folders again
    { files: [`apps/${servers}/src/**`], rules: imports(edge) },
    {
      files: [`apps/${servers}/src/*/**`],
      rules: { ...imports([core], noOutside, noEdges), ...pure },
    },
    {
      files: [`apps/${servers}/src/rpc/**`],
      rules: { ...imports(edge), ...impure },
    },
    {
      files: [`apps/${servers}/src/peers/**`],
      rules: { ...imports(edge, noRpcFromPeers), ...impure },
    },
    {
      files: ["apps/cli/src/**"],
      rules: {
        ...imports(publicEntries.filter((name) => !/^@rollcall\/(testing|e2e-|example-)/.test(name))),
        "no-console": "off",
      },
    },
    { files: ["tools/**", "examples/**"], rules: { "no-console": "off" } },
    { files: ["e2e/simulation/test/mutants-*.ts"], rules: imports(ourEntries) },

    {
      files: ["**/test/**"],
      rules: {
        "vitest/expect-expect": ["error", { assertFunctionNames: ["expect", "expect*", "assert*", "fc.assert"] }],
        "vitest/valid-expect": ["error", { maxArgs: 2 }],
        "vitest/no-focused-tests": "error",
        "vitest/no-disabled-tests": "error",
      },
    },
    // Tests that functions define, under the name of whoever keeps the contract.
    {
      files: ["e2e/contract/src/**"],
      rules: {
        "vitest/no-standalone-expect": "off",
        "vitest/valid-title": "off",
        "vitest/valid-expect": ["error", { maxArgs: 2 }],
      },
    },
  ],
});
