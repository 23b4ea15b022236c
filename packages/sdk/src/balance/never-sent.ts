/**
 * Whether an error says that a call has not left: the connection was not made. Only then may the same be tried on another
 * instance whatever it is, for nobody can have acted on it.
 */

/** What an operating system was asked for when it failed, before anything can have been sent. */
const BEFORE_SENDING = new Set(["connect", "getaddrinfo"]);
/** The code of a `fetch` that waited too long for a connection. */
const CONNECT_TIMEOUT = "UND_ERR_CONNECT_TIMEOUT";
/** Errors that are the cause of one another, at most. */
const CAUSES_MAX = 8;

export function isNeverSent(error: unknown, causesMax = CAUSES_MAX): boolean {
  if (typeof error !== "object" || error === null || causesMax === 0) return false;
  const { syscall, code, errors, cause } = error as {
    readonly syscall?: unknown;
    readonly code?: unknown;
    readonly errors?: unknown;
    readonly cause?: unknown;
  };
  if (typeof syscall === "string") return BEFORE_SENDING.has(syscall);
  if (code === CONNECT_TIMEOUT) return true;
  // A host with several addresses, all of which were tried.
  if (Array.isArray(errors)) return errors.length > 0 && errors.every((each) => isNeverSent(each, causesMax - 1));
  return isNeverSent(cause, causesMax - 1);
}
