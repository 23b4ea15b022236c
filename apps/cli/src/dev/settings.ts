/** What `rollcall dev` may be told, held to the rules of every node. */

import { LOG_LEVELS, defineServerSettings, loadSettings, type LogLevel } from "@rollcall/runtime";

import { CommandFailure, EXIT } from "../failure.ts";

export interface DevOptions {
  readonly sessions: number;
  readonly data: number;
  readonly port: number;
  readonly host: string;
  readonly insecure?: boolean | undefined;
  /** Separated by commas. */
  readonly corsOrigins?: string | undefined;
  readonly logLevel: string;
}

export interface DevSettings {
  readonly sessions: number;
  readonly data: number;
  /** Of the first session; 0 lets every node take any that is free. */
  readonly port: number;
  /** Interface of the sessions. */
  readonly host: string;
  readonly logLevel: LogLevel;
  /** Origins whose scripts may call the sessions. Default: none. */
  readonly corsOrigins?: readonly string[] | undefined;
  /** By which address a session at this port is reached, when it is not the one it listens at. */
  readonly advertise: (port: number) => string | undefined;
}

export const DEFAULT_PORT = 9600;
export const DEFAULT_LOG_LEVEL: LogLevel = "warn";
export { LOG_LEVELS };

/**
 * Throws a RegistryError as a node would, in its words: for a host that others can reach without `--insecure`, for a
 * port or a level that does not exist.
 */
export function devSettings(options: DevOptions, nodesMax: number): DevSettings {
  const { sessions, data, port, host, insecure = false, corsOrigins, logLevel } = options;
  checkCount("--sessions", sessions, nodesMax);
  checkCount("--data", data, nodesMax);
  const everyInterface = host === "0.0.0.0" || host === "::";
  const args = ["--host", host, "--port", String(port), "--log-level", logLevel];
  if (insecure) args.push("--insecure");
  // Nodes of this process find each other on this machine.
  if (everyInterface) args.push("--advertise", `127.0.0.1:${port}`);
  const loaded = loadSettings(defineServerSettings({ port: DEFAULT_PORT }, {}), { args, env: {}, readFile: () => "" });
  if (loaded.kind === "help") throw new CommandFailure("the host is a flag", { exitCode: EXIT.usage });
  return {
    sessions,
    data,
    port: loaded.value.port,
    host: loaded.value.host,
    logLevel: loaded.value.logLevel,
    corsOrigins: corsOrigins?.split(","),
    advertise: (port) => (everyInterface ? `127.0.0.1:${port}` : undefined),
  };
}

function checkCount(flag: string, count: number, max: number): void {
  if (count >= 1 && count <= max) return;
  throw new CommandFailure(`${flag} must be from 1 to ${max}, got ${count}`, { exitCode: EXIT.usage });
}
