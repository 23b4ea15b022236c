/**
 * Finds out what a fresh connection speaks by its first bytes, and puts them back for whoever serves it. `PRI` opens
 * HTTP/2 and is no method of HTTP/1.1. Reading on `readable` and unshifting is the one way that leaves the socket as
 * an HTTP/2 session needs it; `data` with pause and resume does not.
 */

import type { Socket } from "node:net";

export type WireProtocol = "http1" | "http2";

const HTTP2_OPENING = Buffer.from("PRI");

/** Calls `decided` once. A connection that says nothing within `withinMs`, or ends before, is destroyed instead. */
export function peekProtocol(socket: Socket, withinMs: number, decided: (protocol: WireProtocol) => void): void {
  let opening = Buffer.alloc(0);
  const timer = setTimeout(() => socket.destroy(), withinMs);
  const forget = () => clearTimeout(timer);
  const look = () => {
    const chunk = socket.read() as Buffer | null;
    if (chunk !== null) opening = Buffer.concat([opening, chunk]);
    const protocol = protocolFromOpening(opening);
    if (protocol === undefined) return;
    forget();
    socket.off("readable", look);
    socket.off("close", forget);
    socket.off("end", leave);
    socket.unshift(opening);
    decided(protocol);
  };
  const leave = () => socket.destroy();
  socket.on("readable", look);
  socket.once("close", forget);
  socket.once("end", leave);
}

/** `undefined` while the bytes could still become either. */
function protocolFromOpening(opening: Buffer): WireProtocol | undefined {
  const length = Math.min(opening.length, HTTP2_OPENING.length);
  if (opening.compare(HTTP2_OPENING, 0, length, 0, length) !== 0) return "http1";
  return length === HTTP2_OPENING.length ? "http2" : undefined;
}
