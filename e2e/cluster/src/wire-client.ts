/**
 * A client of `Connect` that says whatever it is told to, right or wrong, and remembers what it hears. If it is to
 * acknowledge, it claims to hold what every push leads to.
 */

import type { ClientMessage, MessageStream, RegistryError, ServerMessage } from "@rollcall/core";
import { CONNECT_PATH, errorDetailCodec, frameFromClientMessage, serverMessageFromBytes } from "@rollcall/protocol";
import { createHttp2Dialer, type Http2Dialer } from "@rollcall/runtime/stream";

import { until } from "./until.ts";

export class WireClient {
  readonly #dialer: Http2Dialer;
  readonly #stream: MessageStream;
  readonly #heard: ServerMessage[] = [];
  #end: { readonly error: RegistryError | undefined } | undefined;

  constructor(address: string, { acknowledges = false } = {}) {
    this.#dialer = createHttp2Dialer({ errorDetail: errorDetailCodec });
    this.#stream = this.#dialer.dial(address, CONNECT_PATH);
    this.#stream.listen({
      message: (bytes) => {
        const message = serverMessageFromBytes(bytes);
        this.#heard.push(message);
        if (acknowledges)
          this.say({
            receipts: message.pushes
              .filter(({ more }) => more !== true)
              .map((push) => ({ ...push, held: push, resync: false })),
          });
      },
      closed: (error) => (this.#end = { error }),
    });
  }

  get results(): ServerMessage["results"] {
    return this.#heard.flatMap(({ results }) => results);
  }

  get refusals(): ServerMessage["refusals"] {
    return this.#heard.flatMap(({ refusals }) => refusals);
  }

  get pushes(): ServerMessage["pushes"] {
    return this.#heard.flatMap(({ pushes }) => pushes);
  }

  /** Pushes that brought more than a newer version of what is held. */
  get news(): ServerMessage["pushes"] {
    return this.pushes.filter(({ instances, removedIds }) => instances.length + removedIds.length > 0);
  }

  hello(clientId: string, agent = "wire"): this {
    return this.say({ hello: { clientId, incarnation: 1, agent, moves: false } });
  }

  say(message: Partial<ClientMessage>): this {
    this.#stream.send(frameFromClientMessage(message));
    return this;
  }

  /** Why the server ended the stream, once it has. */
  async ended(): Promise<RegistryError | undefined> {
    const { error } = await until(() => this.#end, { what: "the end of the stream" });
    return error;
  }

  close(): void {
    this.#dialer.close();
  }
}
