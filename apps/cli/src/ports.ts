/** What a command is given of the process it runs in. */

export interface CommandPorts {
  /** For what was asked for. */
  readonly stdout: NodeJS.WritableStream;
  /** For what went wrong, and for notes to people. */
  readonly stderr: NodeJS.WritableStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by Ctrl-C: the command ends in order. */
  readonly interrupted: AbortSignal;
}
