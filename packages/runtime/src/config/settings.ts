/**
 * Settings are declared once; from the declaration come the flag, the environment variable, the key in the file, the
 * check, the help text and the type.
 *
 *     leaseMs: setting(z.int().min(1000), { describe: "How long ...", unit: "ms", default: 3000 })
 *     --lease-ms 5000     ROLLCALL_LEASE_MS=5000     {"leaseMs": 5000}
 */

import { z } from "zod";

export interface SettingOptions<T> {
  /** One sentence for the help text. */
  readonly describe: string;
  /** What may be given, in words. Default is read from the schema, as far as that can be told. */
  readonly allowed?: string | undefined;
  readonly unit?: string | undefined;
  /** What stands for the value in the help text. Default the unit, or `value`. */
  readonly placeholder?: string | undefined;
  /** May be left out only if the schema takes `undefined`, or if the setting must be given. */
  readonly default?: T | undefined;
}

/** How a value is written in a flag or an environment variable. */
export type SettingForm = "text" | "number" | "switch" | "list";

export interface Setting<T> extends SettingOptions<T> {
  readonly schema: z.ZodType<T>;
  readonly form: SettingForm;
  readonly allowed: string;
}

export type Settings = Readonly<Record<string, Setting<unknown>>>;

export type SettingValues<S extends Settings> = { readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never };

export interface SettingsDefinition<S extends Settings> {
  readonly settings: S;
  /** Refuses combinations that no single setting can refuse; throws `invalid_field`. */
  readonly check: (values: SettingValues<S>) => void;
}

export function setting<T>(schema: z.ZodType<T>, options: SettingOptions<T>): Setting<T> {
  const shape = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return { ...options, schema, form: formOf(shape), allowed: options.allowed ?? allowedBy(shape) };
}

export function defineSettings<S extends Settings>(
  settings: S,
  check: (values: SettingValues<S>) => void = () => {},
): SettingsDefinition<S> {
  return { settings, check };
}

export const ENVIRONMENT_PREFIX = "ROLLCALL_";

export function flagOf(key: string): string {
  return `--${wordsOf(key).join("-")}`;
}

export function variableOf(key: string): string {
  return ENVIRONMENT_PREFIX + wordsOf(key).join("_").toUpperCase();
}

function wordsOf(key: string): string[] {
  return key.split(/(?=[A-Z])/).map((word) => word.toLowerCase());
}

type Shape = z.core.JSONSchema.BaseSchema;

function formOf({ type }: Shape): SettingForm {
  if (type === "integer" || type === "number") return "number";
  if (type === "boolean") return "switch";
  return type === "array" ? "list" : "text";
}

function allowedBy(shape: Shape): string {
  if (shape.enum !== undefined) return `one of ${shape.enum.join(", ")}`;
  switch (shape.type) {
    case "integer":
      return `a whole number${rangeOf(shape)}`;
    case "number":
      return `a number${rangeOf(shape)}`;
    case "boolean":
      return "true or false";
    case "array":
      return "a list, separated by commas";
    default:
      return shape.minLength === undefined ? "text" : "text that is not empty";
  }
}

function rangeOf({ minimum, maximum }: Shape): string {
  const least = minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? "" : ` from ${minimum}`;
  const most = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? "" : ` to ${maximum}`;
  return least + most;
}
