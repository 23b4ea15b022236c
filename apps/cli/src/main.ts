/** The `rollcall` command as a process: its streams, its signals and its exit code. Everything else is in program.ts. */

import { runCommandLine } from "./program.ts";

const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // Whoever sends a second one does not want to wait.
    if (interrupted.signal.aborted) process.exit(1);
    interrupted.abort();
  });
}
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // The reader has what it wanted, as in `rollcall watch orders | head -5`.
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

const exitCode = await runCommandLine(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  interrupted: interrupted.signal,
});
// A server that runs in this process decides by itself how it ends.
if (exitCode !== 0) process.exitCode = exitCode;
