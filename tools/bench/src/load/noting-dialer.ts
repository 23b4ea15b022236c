/** Looks over a client's shoulder, at what comes in on the wire: also what the client does not tell its user. */

import { formatDigest, textFromServiceKey, type Dialer, type MessageStream, type Update } from "@rollcall/core";

/** What is noted of each link; `Link` is whatever the one who notes keeps of it. */
export interface Notes<Link> {
  opened(address: string): Link;
  took(link: Link, bytes: Uint8Array): void;
  /** May be told more than once. */
  ended(link: Link): void;
}

export function notingDialer<Link>(dialer: Dialer, notes: Notes<Link>): Dialer {
  return { dial: (address, method) => notingStream(dialer.dial(address, method), notes.opened(address), notes) };
}

function notingStream<Link>(stream: MessageStream, link: Link, notes: Notes<Link>): MessageStream {
  return {
    get congested() {
      return stream.congested;
    },
    send: (frame) => stream.send(frame),
    close: (error) => {
      notes.ended(link);
      stream.close(error);
    },
    listen: (listener) =>
      stream.listen({
        message(bytes) {
          notes.took(link, bytes);
          listener.message(bytes);
        },
        drained: () => listener.drained?.(),
        closed(error) {
          notes.ended(link);
          listener.closed(error);
        },
      }),
  };
}

/** What one client was last pushed of each service, on whichever link. */
export class PushedContent {
  readonly #digests = new Map<string, string>();

  /** True when the push brings content, and it is what was pushed last. */
  isUnchanged({ key, digest, instances, removedIds }: Update): boolean {
    const [service, content] = [textFromServiceKey(key), formatDigest(digest)];
    const isSame = this.#digests.get(service) === content;
    this.#digests.set(service, content);
    return isSame && instances.length + removedIds.length > 0;
  }
}
