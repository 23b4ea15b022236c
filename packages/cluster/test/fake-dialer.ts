import {
  RegistryError,
  messageFromFrame,
  type Clock,
  type Dialer,
  type Frame,
  type MessageStream,
  type StreamListener,
} from "@rollcall/core";

/** The near end of a link whose far end is the test. */
export class FakeStream implements MessageStream {
  readonly address: string;
  readonly method: string;
  readonly dialledAt: number;
  /** What was sent, frame headers taken off. */
  readonly sent: Uint8Array[] = [];
  /** How it was closed by its owner; undefined while it is not. */
  closedWith: RegistryError | "in order" | undefined;
  congested = false;
  listener: StreamListener | undefined;

  constructor(address: string, method: string, dialledAt: number) {
    this.address = address;
    this.method = method;
    this.dialledAt = dialledAt;
  }

  send(frame: Frame): void {
    this.sent.push(messageFromFrame(frame));
  }

  close(error?: RegistryError): void {
    this.closedWith ??= error ?? "in order";
  }

  listen(listener: StreamListener): void {
    this.listener = listener;
  }

  /** A message from the far end. One that is refused ends the link, as every transport does it. */
  receive(message: Uint8Array): void {
    try {
      this.listener!.message(message);
    } catch (thrown) {
      if (!(thrown instanceof RegistryError)) throw thrown;
      this.close(thrown);
      this.end(thrown);
    }
  }

  drain(): void {
    this.listener!.drained?.();
  }

  /** The far end, or the network, ends it. */
  end(error?: RegistryError): void {
    this.listener!.closed(error);
  }
}

export class FakeDialer implements Dialer {
  readonly streams: FakeStream[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  dial(address: string, method: string): FakeStream {
    const stream = new FakeStream(address, method, this.#clock.now());
    this.streams.push(stream);
    return stream;
  }

  get last(): FakeStream {
    return this.streams.at(-1)!;
  }
}
