/**
 * Brings the settings together: a flag wins over an environment variable, that over the file named by `--config` (or
 * ROLLCALL_CONFIG), that over the default. Whatever is wrong is refused before anything starts, with the name of the
 * setting, where it came from, what was given and what is allowed.
 */

import { invalidField, RegistryError } from "@rollcall/core";
import { suggestion } from "./closest.ts";
import { parseFlags, type Flags } from "./flags.ts";
import { helpText } from "./help.ts";
import {
  ENVIRONMENT_PREFIX,
  flagOf,
  variableOf,
  type Setting,
  type Settings,
  type SettingsDefinition,
  type SettingValues,
} from "./settings.ts";

export interface SettingSources {
  /** What follows the command. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: (path: string) => string;
}

export type LoadedSettings<S extends Settings> =
  | { readonly kind: "help"; readonly text: string }
  | {
      readonly kind: "settings";
      readonly value: SettingValues<S>;
      /**
       * Variables of our prefix that are no setting. They are not refused, since Kubernetes makes such for every
       * service whose name begins like ours, but a typing error may be among them: worth a line in the log.
       */
      readonly unusedVariables: readonly string[];
    };

/** Something that was given, and by whom. */
interface Given {
  readonly value: unknown;
  readonly source: string;
}

const CONFIG_VARIABLE = `${ENVIRONMENT_PREFIX}CONFIG`;

/** Throws `invalid_field`. */
export function loadSettings<S extends Settings>(
  { settings, check }: SettingsDefinition<S>,
  { args, env, readFile }: SettingSources,
): LoadedSettings<S> {
  const flags = parseFlags(args, settings);
  if (flags.help) return { kind: "help", text: helpText(settings) };
  const file = readConfigFile(flags.configFile ?? env[CONFIG_VARIABLE], settings, readFile);
  const entries = Object.entries(settings).map(([key, setting]) => {
    const given = fromFlag(key, setting, flags) ?? fromEnvironment(key, setting, env) ?? file.get(key);
    return [key, checkValue(key, setting, given)];
  });
  const value = Object.fromEntries(entries) as SettingValues<S>;
  check(value);
  const known = new Set([...Object.keys(settings).map(variableOf), CONFIG_VARIABLE]);
  const unusedVariables = Object.keys(env).filter((name) => name.startsWith(ENVIRONMENT_PREFIX) && !known.has(name));
  return { kind: "settings", value, unusedVariables };
}

function fromFlag(key: string, setting: Setting<unknown>, flags: Flags): Given | undefined {
  const texts = flags.texts.get(key);
  return texts && { value: valueFromText(setting, texts.join(",")), source: `the flag ${flagOf(key)}` };
}

function fromEnvironment(key: string, setting: Setting<unknown>, env: SettingSources["env"]): Given | undefined {
  const name = variableOf(key);
  const text = env[name];
  // An empty variable is how deployments say "not set".
  if (text === undefined || text === "") return undefined;
  return { value: valueFromText(setting, text), source: `the environment variable ${name}` };
}

/** Text that does not fit the form stays text, for the schema to refuse. */
function valueFromText({ form }: Setting<unknown>, text: string): unknown {
  switch (form) {
    case "number":
      return /^[+-]?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text;
    case "switch":
      return text === "true" ? true : text === "false" ? false : text;
    case "list":
      return text === "" ? [] : text.split(",").map((part) => part.trim());
    case "text":
      return text;
  }
}

function readConfigFile(
  path: string | undefined,
  settings: Settings,
  readFile: SettingSources["readFile"],
): Map<string, Given> {
  if (path === undefined || path === "") return new Map();
  const source = `the file ${path}`;
  const content = parseObject(path, readFile);
  const unknown = Object.keys(content).find((key) => !Object.hasOwn(settings, key));
  if (unknown !== undefined) {
    const message = `${source} has a setting "${unknown}" that does not exist${suggestion(unknown, Object.keys(settings))}`;
    const limit = Object.keys(settings).join(", ");
    throw new RegistryError("invalid_field", message, { subject: { field: unknown, limit, value: unknown } });
  }
  return new Map(Object.entries(content).map(([key, value]: [string, unknown]) => [key, { value, source }]));
}

function parseObject(path: string, readFile: SettingSources["readFile"]): object {
  let content: unknown;
  try {
    content = JSON.parse(readFile(path));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RegistryError("invalid_field", `the file ${path} of --config cannot be read: ${why}`, { cause });
  }
  if (typeof content === "object" && content !== null && !Array.isArray(content)) return content;
  throw invalidField(`the file ${path} of --config`, "a JSON object", content);
}

function checkValue(key: string, setting: Setting<unknown>, given: Given | undefined): unknown {
  const result = setting.schema.safeParse(given === undefined ? setting.default : given.value);
  if (result.success) return result.data;
  if (given === undefined) {
    const ways = `${flagOf(key)}, ${variableOf(key)} or "${key}" in the file of --config`;
    throw new RegistryError("invalid_field", `${key} must be given, ${setting.allowed}: ${ways}`, {
      subject: { field: key, limit: setting.allowed, value: "" },
    });
  }
  const shown = Array.isArray(given.value) ? given.value.join(",") : given.value;
  const { message, subject } = invalidField(key, setting.allowed, shown);
  throw new RegistryError("invalid_field", `${message} (from ${given.source})`, { subject });
}
