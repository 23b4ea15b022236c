/**
 * The same stream handlers behind Connect's typed API, for the forms that the byte-level path leaves alone: JSON,
 * HTTP/1.1, browsers, compressed requests. Messages are decoded by Connect, encoded again to bytes for the handler, and
 * back.
 * That is slow, and it is what lets one handler serve every client.
 *
 * Connect calls an async generator and does not say when the client is gone, except through `context.signal`; so
 * everything here waits on the bridge's own queue, which the signal ends.
 */

import { fromBinary, toBinary, type DescMethodStreaming, type MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError, createContextKey, type HandlerContext, type MethodImpl } from "@connectrpc/connect";
import {
  assert,
  messageFromFrame,
  RegistryError,
  type Frame,
  type MessageStream,
  type StreamHandler,
  type StreamListener,
} from "@rollcall/core";
import { connectErrorFromRegistryError, registryErrorFromConnectError } from "./errors.ts";
import type { ErrorDetailCodec } from "./stream/status.ts";

/** Where a typed request comes from, `host:port`; for logs only. */
export const peerAddressKey = createContextKey("unknown", { description: "peer address" });

/** From this many bytes waiting on, the stream calls itself congested: what the byte-level path allows. */
const WAITING_BYTES_MAX = 64 * 1024;

/** What {@link typedStreamHandler} is to Connect: an implementation of the method, with either kind of request. */
type StreamingImplementation = (requests: unknown, context: HandlerContext) => AsyncIterable<unknown>;

/** `handler` as an implementation for `router.rpc(method, ...)`. The method has to stream its responses. */
export function typedStreamHandler<M extends DescMethodStreaming>(
  method: M,
  handler: StreamHandler,
  errorDetail?: ErrorDetailCodec,
): MethodImpl<M> {
  assert(method.methodKind !== "client_streaming", `${method.name} streams its responses`);
  const implementation: StreamingImplementation = async function* (requests, context) {
    const bridge = new TypedStream();
    const abandon = () => bridge.lose(errorFromAbort(context.signal.reason, errorDetail));
    context.signal.addEventListener("abort", abandon);
    handler(bridge, { address: context.values.get(peerAddressKey) });
    void takeRequests(method, requests, context.signal, bridge, errorDetail);
    try {
      for (let bytes = await bridge.next(); bytes !== undefined; bytes = await bridge.next())
        yield fromBinary(method.output, bytes);
    } finally {
      context.signal.removeEventListener("abort", abandon);
      abandon();
    }
    if (bridge.refusal !== undefined) throw bridge.refusal;
    if (bridge.closeError !== undefined) throw connectErrorFromRegistryError(bridge.closeError, errorDetail);
  };
  return implementation as unknown as MethodImpl<M>;
}

/** The signal fires when the server stops, a deadline passes, or (`canceled`) the client is gone. */
function errorFromAbort(reason: unknown, errorDetail: ErrorDetailCodec | undefined): RegistryError {
  if (reason instanceof ConnectError && reason.code !== Code.Canceled)
    return registryErrorFromConnectError(reason, errorDetail);
  return new RegistryError("unavailable", "the call was cancelled or its connection lost");
}

/** Feeds the bridge until the requests end, however they do. Never throws: nobody waits for it. */
async function takeRequests(
  method: DescMethodStreaming,
  requests: unknown,
  signal: AbortSignal,
  bridge: TypedStream,
  errorDetail: ErrorDetailCodec | undefined,
): Promise<void> {
  const encode = (message: unknown) => toBinary(method.input, message as MessageShape<typeof method.input>);
  try {
    if (method.methodKind === "server_streaming") {
      await Promise.resolve();
      bridge.receive(encode(requests));
      return;
    }
    for await (const message of requests as AsyncIterable<unknown>) bridge.receive(encode(message));
    // The requests of a cancelled call end as if they were complete. Only the signal tells, once all is read that came.
    await new Promise((resolve) => setImmediate(resolve));
    if (!signal.aborted) bridge.finish(undefined);
  } catch (thrown) {
    if (signal.aborted) return;
    const refusal = ConnectError.from(thrown, Code.InvalidArgument);
    bridge.refuse(registryErrorFromConnectError(refusal, errorDetail), refusal);
  }
}

/** A `MessageStream` whose far end is a loop that takes what was sent, one message at a time. */
class TypedStream implements MessageStream {
  #state: "open" | "closing" | "closed" = "open";
  #listener: StreamListener | undefined;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #wake: (() => void) | undefined;
  /** What the client is told at the end. */
  closeError: RegistryError | undefined;
  /** The same in Connect's own words, which are then more exact. */
  refusal: ConnectError | undefined;

  get congested(): boolean {
    return this.#waitingBytes >= WAITING_BYTES_MAX;
  }

  listen(listener: StreamListener): void {
    assert(this.#listener === undefined, "a stream is listened to once");
    this.#listener = listener;
  }

  send(frame: Frame): void {
    if (this.#state !== "open") return;
    this.#waiting.push(messageFromFrame(frame));
    this.#waitingBytes += frame.length;
    this.#wake?.();
  }

  close(error?: RegistryError): void {
    if (!this.#end(error)) return;
    setImmediate(() => this.#tell(error));
  }

  /** The link is over, by the client or by a violation; what was sent before still goes out. */
  finish(error: RegistryError | undefined): void {
    if (this.#end(error)) this.#tell(error);
  }

  /** Connect could not read a request. */
  refuse(error: RegistryError, refusal: ConnectError): void {
    if (this.#state === "open") this.refusal = refusal;
    this.finish(error);
  }

  /** The client is gone: nothing more goes out. */
  lose(error: RegistryError): void {
    this.#waiting = [];
    this.finish(error);
  }

  receive(message: Uint8Array): void {
    if (this.#state !== "open") return;
    try {
      this.#listener?.message(message);
    } catch (thrown) {
      if (!(thrown instanceof RegistryError)) throw thrown;
      this.finish(thrown);
    }
  }

  /** The next message to go out; `undefined` at the end of the link. */
  async next(): Promise<Uint8Array | undefined> {
    while (this.#waiting.length === 0 && this.#state === "open") {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const message = this.#waiting.shift();
    if (message === undefined) return undefined;
    const wasCongested = this.congested;
    this.#waitingBytes = this.#waiting.length === 0 ? 0 : this.#waitingBytes - message.length;
    if (wasCongested && !this.congested && this.#state === "open") this.#listener?.drained?.();
    return message;
  }

  #end(error: RegistryError | undefined): boolean {
    if (this.#state !== "open") return false;
    this.#state = "closing";
    this.closeError = error;
    this.#wake?.();
    return true;
  }

  #tell(error: RegistryError | undefined): void {
    this.#state = "closed";
    this.#listener?.closed(error);
  }
}
