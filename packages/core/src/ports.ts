/**
 * The outside world as the logic sees it. Everything that reads time, draws randomness or touches a socket does so
 * through one of these, so that the same code runs in a process and in the simulator.
 */

import type { RegistryError } from "./error.ts";
import type { Frame } from "./frame.ts";

/** A monotonic clock. It never reads the wall clock, so a jump of that changes nothing. */
export interface Clock {
  /** Milliseconds since some fixed point; never goes back. */
  now(): number;
  /** Runs `action` once, `delayMs` from now, unless cancelled. */
  setTimer(delayMs: number, action: () => void): Timer;
  /**
   * Runs `action` once the input that is being handled, and any other input already waiting, has been handled.
   * This is how a link batches what is waiting without ever waiting for more.
   */
  defer(action: () => void): void;
}

export interface Timer {
  cancel(): void;
}

export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** A fresh identifier of 128 random bits: 32 lower-case hexadecimal digits. */
  id(): string;
}

/** What a mechanism wants to say to an operator. Fields are flat and named in full words. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export type LogFields = Readonly<Record<string, unknown>>;

/** A log that says nothing, for users and tests that want silence. */
export const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/**
 * One long-lived two-way link of whole messages: the only kind of link between Rollcall's programs. Order is kept and
 * a message is never torn, but the other side may vanish at any moment, and messages on their way are then lost.
 */
export interface MessageStream {
  /** Hands over one frame. Never blocks; look at `congested` before handing over what may be dropped. */
  send(frame: Frame): void;
  /** True while more bytes wait to leave than the transport wants to hold. `drained` is called when that ends. */
  readonly congested: boolean;
  /** Ends the link. With an error, the other side is told it. Later calls do nothing. */
  close(error?: RegistryError): void;
  /** Sets who hears of this link. Called exactly once, in the same tick in which the stream was handed out. */
  listen(listener: StreamListener): void;
}

export interface StreamListener {
  /**
   * One whole message, without its frame header. The bytes stay valid and are not written again. A RegistryError thrown
   * here refuses the message and ends the link with that error, which the other side is told.
   */
  message(bytes: Uint8Array): void;
  drained?(): void;
  /** The other side's process is there and has taken the link; what it has to say may take longer. Not every link tells. */
  taken?(): void;
  /**
   * Called exactly once, whoever ended the link. `undefined` is the other side's orderly end; an error is everything
   * else: refused, lost, malformed. Reason `unavailable` says that the other process let go or was never there (closed,
   * reset, refused), `deadline_exceeded` that it fell silent, which may be the network's doing and not its own.
   */
  closed(error: RegistryError | undefined): void;
}

/** Opens links to other programs. */
export interface Dialer {
  /**
   * Opens a link to the RPC `method` (for example `/rollcall.v1.DataService/Link`) of the node at `address`
   * (`host:port`). Returns at once: frames sent before the link is up wait for it; failure is told through `closed`.
   */
  dial(address: string, method: string): MessageStream;
}

/** Accepts one incoming link. */
export type StreamHandler = (stream: MessageStream, peer: StreamPeer) => void;

export interface StreamPeer {
  /** Where the link comes from, `host:port`: for logs, and for what operators decide by address. Never an identity. */
  readonly address: string;
}

/** RPC method path to the handler of its links. */
export type StreamRoutes = ReadonlyMap<string, StreamHandler>;
