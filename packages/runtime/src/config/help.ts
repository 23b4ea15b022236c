/** The text of `--help`, made from the declarations. */

import { flagOf, variableOf, type Setting, type Settings } from "./settings.ts";

/** Room for a flag and its placeholder before the description moves to the next line, in characters. */
const FLAG_WIDTH = 32;

export function helpText(settings: Settings): string {
  const own = Object.entries(settings).map(([key, setting]) => entry(usageOf(key, setting), describe(key, setting)));
  const common = [
    entry("--config <file>", "JSON file with settings, by their names in camelCase. Variable ROLLCALL_CONFIG."),
    entry("--help", "This text."),
  ];
  return `${["Settings. A flag wins over its environment variable, that over the file.", "", ...own, ...common].join("\n")}\n`;
}

function entry(usage: string, description: string): string {
  const left = `  ${usage}`;
  const gap = left.length < FLAG_WIDTH ? " ".repeat(FLAG_WIDTH - left.length) : `\n${" ".repeat(FLAG_WIDTH)}`;
  return `${left}${gap}${description}`;
}

function usageOf(key: string, { form, placeholder, unit }: Setting<unknown>): string {
  return form === "switch" ? flagOf(key) : `${flagOf(key)} <${placeholder ?? unit ?? "value"}>`;
}

function describe(key: string, setting: Setting<unknown>): string {
  const unit = setting.unit === undefined ? "" : ` ${setting.unit}`;
  const what = `${setting.allowed[0]?.toUpperCase()}${setting.allowed.slice(1)}.`;
  return `${setting.describe} ${what} ${defaultOf(setting, unit)} Variable ${variableOf(key)}.`;
}

function defaultOf(setting: Setting<unknown>, unit: string): string {
  const value = Array.isArray(setting.default) ? setting.default.join(",") : JSON.stringify(setting.default);
  if (value !== undefined && value !== "") return `Default ${value.replaceAll('"', "")}${unit}.`;
  return setting.schema.safeParse(setting.default).success ? "Default none." : "Must be given.";
}
