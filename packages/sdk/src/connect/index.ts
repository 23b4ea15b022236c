/** A transport of Connect over the instances of a service. */

import type { DescMessage, DescMethodStreaming, DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import type { ContextValues, StreamResponse, Transport, UnaryResponse } from "@connectrpc/connect";
import type { Instance } from "@rollcall/core";

import { attempt } from "../balance/attempt.ts";
import type { Balancer, BalancerOptions, Picked } from "../balance/balancer.ts";
import type { Client } from "../client-surface.ts";
import type { ServiceInput } from "../service-input.ts";

/** The transport to one instance. Its `close`, if it has one, is called when it is not needed any more. */
export type InstanceTransport = Transport & { readonly close?: (() => void) | undefined };

export interface BalancedTransportOptions extends BalancerOptions {
  /**
   * Makes the transport to one instance when it is first called, for example
   * `(baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2" })`.
   */
  readonly transport: (baseUrl: string, instance: Instance) => InstanceTransport;
  /** Instances that are tried for one call, at most. Default 3. */
  readonly attemptsMax?: number | undefined;
  /** Default: `https` for instances whose protocol is that, `http` for all others. */
  readonly scheme?: "http" | "https" | undefined;
}

/** See {@link createBalancedTransport}. */
export interface BalancedTransport extends Transport {
  readonly balancer: Balancer;
  /** Ends the subscription. Calls under way go on, and then their transports are closed. */
  close(): void;
  [Symbol.dispose](): void;
}

type Header = Parameters<Transport["unary"]>[3];

/** A transport that is in use, or may be again. */
interface Open {
  readonly transport: InstanceTransport;
  /** Calls under way. */
  calls: number;
}

/**
 * A transport whose every call goes to an instance of `service`. It waits for the first view of the service.
 *
 * Another instance is tried only when the connection to the first was not made, and only for calls with one message from
 * the client. Calls to an instance that is gone go on; its transport is closed with the last of them.
 *
 * A call rejects as the transport does, and with the RegistryErrors of {@link Balancer.acquire}. A stream counts as
 * pending until its messages have been read to the end or given up.
 */
export function createBalancedTransport(
  client: Client,
  service: ServiceInput,
  options: BalancedTransportOptions,
): BalancedTransport {
  return new ServiceTransport(client.balancer(service, options), options);
}

class ServiceTransport implements BalancedTransport {
  readonly balancer: Balancer;
  readonly #options: BalancedTransportOptions;
  readonly #open = new Map<string, Open>();
  #isClosed = false;

  constructor(balancer: Balancer, options: BalancedTransportOptions) {
    this.balancer = balancer;
    this.#options = options;
    balancer.subscription.onChange(() => this.#closeIdle());
  }

  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: Header,
    input: MessageInitShape<I>,
    contextValues?: ContextValues,
  ): Promise<UnaryResponse<I, O>> {
    const { attemptsMax } = this.#options;
    return attempt(this.balancer, { attemptsMax, signal }, async (picked) => {
      const { transport, ended } = this.#call(picked);
      try {
        return await transport.unary(method, signal, timeoutMs, header, input, contextValues);
      } finally {
        ended();
      }
    });
  }

  async stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodStreaming<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: Header,
    input: AsyncIterable<MessageInitShape<I>>,
    contextValues?: ContextValues,
  ): Promise<StreamResponse<I, O>> {
    const isRepeatable = method.methodKind === "server_streaming";
    const messages = isRepeatable ? await collected(input) : undefined;
    const attemptsMax = isRepeatable ? this.#options.attemptsMax : 1;
    return attempt(this.balancer, { attemptsMax, signal }, async (picked) => {
      const { transport, ended } = this.#call(picked);
      try {
        const from = messages === undefined ? input : each(messages);
        const response = await transport.stream(method, signal, timeoutMs, header, from, contextValues);
        return { ...response, message: untilRead(response.message, ended) };
      } catch (error) {
        ended();
        throw error;
      }
    });
  }

  close(): void {
    this.#isClosed = true;
    this.balancer.close();
    this.#closeIdle();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #call({ instance, done }: Picked): { transport: Transport; ended: () => void } {
    const url = this.#urlOf(instance);
    const open = this.#open.get(url) ?? { transport: this.#options.transport(url, instance), calls: 0 };
    this.#open.set(url, open);
    open.calls++;
    let isEnded = false;
    const ended = (): void => {
      if (isEnded) return;
      isEnded = true;
      open.calls--;
      done();
      this.#closeIdle();
    };
    return { transport: open.transport, ended };
  }

  #urlOf({ address, protocol }: Instance): string {
    return `${this.#options.scheme ?? (protocol === "https" ? "https" : "http")}://${address}`;
  }

  /** Closes the transports to whoever is listed no more and has no calls. */
  #closeIdle(): void {
    const listed = this.#isClosed ? [] : (this.balancer.subscription.current()?.instances ?? []);
    const urls = new Set(listed.map((instance) => this.#urlOf(instance)));
    for (const [url, { transport, calls }] of this.#open) {
      if (calls > 0 || urls.has(url)) continue;
      this.#open.delete(url);
      transport.close?.();
    }
  }
}

async function collected<Message>(messages: AsyncIterable<Message>): Promise<Message[]> {
  const all: Message[] = [];
  for await (const message of messages) all.push(message);
  return all;
}

async function* each<Message>(messages: readonly Message[]): AsyncGenerator<Message> {
  yield* messages;
}

async function* untilRead<Message>(messages: AsyncIterable<Message>, ended: () => void): AsyncGenerator<Message> {
  try {
    yield* messages;
  } finally {
    ended();
  }
}
