/** DataService.Link: one link per session node. */

import {
  DurationHistogram,
  RegistryError,
  memberKey,
  type Clock,
  type LinkHello,
  type Log,
  type MessageStream,
  type StreamHandler,
} from "@rollcall/core";
import { frameFromLinkResponse, linkRequestFromBytes } from "@rollcall/protocol";

import { SessionPeer } from "../notify/session-peer.ts";
import type { Storage } from "../storage.ts";

export class SessionLinks {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #streams = new Set<MessageStream>();
  /** From notifications to their receipts. */
  readonly receiptTimes = new DurationHistogram();
  readonly #peers = new Set<SessionPeer>();

  constructor(storage: Storage, ports: { readonly clock: Clock; readonly log: Log }) {
    this.#storage = storage;
    this.#clock = ports.clock;
    this.#log = ports.log;
  }

  /** Every session has what it is interested in. */
  get isSettled(): boolean {
    return [...this.#peers].every((peer) => peer.isSettled);
  }

  readonly handler: StreamHandler = (stream, { address }) => {
    let peer: SessionPeer | undefined;
    this.#streams.add(stream);
    stream.listen({
      message: (bytes) => {
        const request = linkRequestFromBytes(bytes);
        peer ??= this.#join(stream, request.hello);
        this.#storage.receive(peer, request);
      },
      drained: () => peer?.drained(),
      // The registrations stay: whether the session is gone is meta's word, not the link's.
      closed: (error) => {
        this.#streams.delete(stream);
        // Silence may be the network's.
        if (peer !== undefined) this.#part(peer, error?.reason !== "deadline_exceeded");
        this.#log.info("a session's link ended", {
          peer: address,
          session: peer?.session,
          reason: error?.message ?? "closed",
        });
      },
    });
  };

  closeAll(): void {
    for (const stream of this.#streams) stream.close(new RegistryError("shutting_down", "the data node is stopping"));
    this.#streams.clear();
  }

  #join(stream: MessageStream, hello: LinkHello | undefined): SessionPeer {
    if (hello === undefined)
      throw new RegistryError("protocol_violation", "the first message of a session is its hello");
    const peer = new SessionPeer(memberKey(hello), {
      clock: this.#clock,
      stream,
      encode: frameFromLinkResponse,
      shownOf: (key) => this.#storage.shownOf(key),
      receiptTimes: this.receiptTimes,
      events: this.#storage.events,
      newestOf: (key) => this.#storage.datums.find(key)?.newest,
      servicesOf: (namespace) => this.#storage.lists.shownOf(namespace),
    });
    this.#peers.add(peer);
    this.#storage.join(peer);
    return peer;
  }

  #part(peer: SessionPeer, hasEnded: boolean): void {
    this.#peers.delete(peer);
    this.#storage.part(peer, hasEnded);
  }
}
