/**
 * The client's end of a link to a session node, in values. How they travel is the business of whoever dials: on one
 * stream each, or, where a platform has no stream that goes both ways, by calls.
 */

import type { ClientMessage, Dialer, RegistryError, ServerMessage } from "@rollcall/core";
import { CONNECT_PATH, frameFromClientMessage, serverMessageFromBytes } from "@rollcall/protocol";

/** Like a MessageStream, which says what each part means. */
export interface ClientLink {
  readonly congested: boolean;
  send(message: ClientMessage): void;
  close(error?: RegistryError): void;
  /** Called once, in the same tick in which the link was handed out. */
  listen(listener: ClientLinkListener): void;
}

export interface ClientLinkListener {
  /** A RegistryError thrown here refuses the message and ends the link. */
  message(message: ServerMessage): void;
  drained(): void;
  /** The server's process has taken the link and will say hello, though many may be before us. Not every link tells. */
  taken?(): void;
  /** Called once when the link is lost or the other side ends it; whether after `close` is up to the link. */
  closed(error: RegistryError | undefined): void;
}

/** Opens a link to a server, as the options name it. Returns at once; failure is told through `closed`. */
export type LinkDialer = (server: string) => ClientLink;

/** Links of one stream each. */
export function streamLinks(dialer: Dialer): LinkDialer {
  return (server) => {
    const stream = dialer.dial(server, CONNECT_PATH);
    return {
      get congested() {
        return stream.congested;
      },
      send: (message) => stream.send(frameFromClientMessage(message)),
      close: (error) => stream.close(error),
      listen: (listener) =>
        stream.listen({ ...listener, message: (bytes) => listener.message(serverMessageFromBytes(bytes)) }),
    };
  };
}
