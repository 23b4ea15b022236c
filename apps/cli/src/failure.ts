/** How a command fails: one line on standard error that says what to do, and an exit code that scripts can tell apart. */

import { RegistryError, type ErrorReason } from "@rollcall/core";

/** `failed`: it was tried. `usage`: it makes no sense as it was written. `conflict`: somebody else has decided meanwhile. */
export const EXIT = { ok: 0, failed: 1, usage: 2, conflict: 3 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A failure in words for the person at the keyboard. */
export class CommandFailure extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, { exitCode = EXIT.failed, cause }: { exitCode?: ExitCode; cause?: unknown } = {}) {
    super(message, { cause });
    this.name = "CommandFailure";
    this.exitCode = exitCode;
  }

  /** The only door from `unknown`. Input that the registry's rules refuse is wrong usage. */
  static fromUnknown(thrown: unknown): CommandFailure {
    if (thrown instanceof CommandFailure) return thrown;
    const { reason, message } = RegistryError.fromUnknown(thrown);
    return new CommandFailure(message, { exitCode: exitCodeOf(reason), cause: thrown });
  }
}

function exitCodeOf(reason: ErrorReason): ExitCode {
  if (reason === "conflict") return EXIT.conflict;
  return reason === "invalid_field" || reason === "limit_exceeded" ? EXIT.usage : EXIT.failed;
}

/** @param servers those that were tried */
export function noRegistry(servers: readonly string[], why: string): CommandFailure {
  const where = servers.join(" or ");
  return new CommandFailure(
    `no registry at ${where} (${why}): start one with \`npm start\` or \`npx rollcall dev\`, or name another with --server`,
  );
}
