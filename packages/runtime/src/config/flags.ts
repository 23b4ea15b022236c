/** Reads `--key value`, `--key=value`, `--switch` and `--no-switch`. */

import { RegistryError } from "@rollcall/core";
import { suggestion } from "./closest.ts";
import { flagOf, type Settings } from "./settings.ts";

export interface Flags {
  readonly help: boolean;
  /** The file named by `--config`. */
  readonly configFile: string | undefined;
  /** What was written for each setting; several times for a list. */
  readonly texts: ReadonlyMap<string, readonly string[]>;
}

export function parseFlags(args: readonly string[], settings: Settings): Flags {
  const keys = new Map(Object.keys(settings).map((key) => [flagOf(key), key]));
  const texts = new Map<string, string[]>();
  let configFile: string | undefined;
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--help" || arg === "-h") return { help: true, configFile, texts };
    const [flag, given] = splitOnce(arg);
    const valueOf = () => given ?? nextValue(flag, rest);
    if (flag === "--config") {
      configFile = valueOf();
      continue;
    }
    const switchedOff = keys.get(flag.replace(/^--no-/, "--"));
    if (flag.startsWith("--no-") && switchedOff !== undefined && settings[switchedOff]?.form === "switch") {
      texts.set(switchedOff, ["false"]);
      continue;
    }
    const key = keys.get(flag);
    if (key === undefined) throw unknownFlag(flag, [...keys.keys(), "--config", "--help"]);
    const form = settings[key]?.form;
    const text = form === "switch" ? (given ?? "true") : valueOf();
    texts.set(key, form === "list" ? [...(texts.get(key) ?? []), text] : [text]);
  }
  return { help: false, configFile, texts };
}

function splitOnce(arg: string): [flag: string, value: string | undefined] {
  const at = arg.indexOf("=");
  return at === -1 ? [arg, undefined] : [arg.slice(0, at), arg.slice(at + 1)];
}

function nextValue(flag: string, rest: string[]): string {
  const next = rest.shift();
  if (next !== undefined && !next.startsWith("--")) return next;
  throw new RegistryError("invalid_field", `${flag} needs a value: write ${flag} <value> or ${flag}=<value>`);
}

function unknownFlag(flag: string, known: readonly string[]): RegistryError {
  const what = flag.startsWith("-") ? `there is no flag ${flag}` : `"${flag}" belongs to no flag`;
  return new RegistryError("invalid_field", `${what}${suggestion(flag, known)}; --help lists them all`, {
    subject: { field: flag, limit: known.join(", "), value: flag },
  });
}
