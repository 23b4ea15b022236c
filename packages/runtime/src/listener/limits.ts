import { LIMITS } from "@rollcall/core";

/** What a listener puts up with. Every number may be left out; each default says why. */
export interface ListenLimits {
  /** Largest message of a stream or an RPC, in bytes. Default 1 MiB, what clients are allowed. */
  readonly messageBytesMax?: number | undefined;
  /** The same for single streaming methods, by path: links between nodes need more. */
  readonly messageBytesMaxOf?: ReadonlyMap<string, number> | undefined;
  /** Connections at one time. Default 50,000: about 2 GB of idle clients, more than one process should carry. */
  readonly connectionsMax?: number | undefined;
  /** Calls at one time on one connection. Default 1,000: a proxy brings many clients on one. */
  readonly streamsPerConnectionMax?: number | undefined;
  /** Until a connection has sent its first bytes, in milliseconds. Default 5,000: connecting without talking is idle. */
  readonly firstBytesWithinMs?: number | undefined;
  /** Until an HTTP/1.1 request's headers are complete, in milliseconds. Default 10,000. */
  readonly headersWithinMs?: number | undefined;
  /** Until an HTTP/1.1 request is complete, in milliseconds. Default 30,000; responses may take for ever. */
  readonly requestWithinMs?: number | undefined;
  /** Largest header block, in bytes. Default 16 KiB, Node's own. */
  readonly headerBytesMax?: number | undefined;
  /** Memory that one HTTP/2 connection may hold, in megabytes. Default 128: Node's 10 is four stalled snapshots. */
  readonly sessionMemoryMb?: number | undefined;
  /**
   * Cancelled calls that one connection may have at once. Default 20,000, because Node's 1,000 ends the connection of a
   * proxy whose clients leave together.
   */
  readonly cancelBurst?: number | undefined;
  /** Cancelled calls that one connection may have each second for long. Default 2,000 against Node's 33. */
  readonly cancelsPerSecond?: number | undefined;
  /** Silence after which an HTTP/2 client is sent a PING, in milliseconds. Default 2,500: later than our SDK's own. */
  readonly pingAfterMs?: number | undefined;
  /** Further silence after which its connection is destroyed, in milliseconds. Default 1,500: 4 s together. */
  readonly answerWithinMs?: number | undefined;
}

export type CompleteLimits = { readonly [K in keyof ListenLimits]-?: NonNullable<ListenLimits[K]> };

export function completeLimits(limits: ListenLimits = {}): CompleteLimits {
  return {
    messageBytesMax: limits.messageBytesMax ?? LIMITS.clientMessageBytes,
    messageBytesMaxOf: limits.messageBytesMaxOf ?? new Map<string, number>(),
    connectionsMax: limits.connectionsMax ?? 50_000,
    streamsPerConnectionMax: limits.streamsPerConnectionMax ?? 1_000,
    firstBytesWithinMs: limits.firstBytesWithinMs ?? 5_000,
    headersWithinMs: limits.headersWithinMs ?? 10_000,
    requestWithinMs: limits.requestWithinMs ?? 30_000,
    headerBytesMax: limits.headerBytesMax ?? 16 * 1024,
    sessionMemoryMb: limits.sessionMemoryMb ?? 128,
    cancelBurst: limits.cancelBurst ?? 20_000,
    cancelsPerSecond: limits.cancelsPerSecond ?? 2_000,
    pingAfterMs: limits.pingAfterMs ?? 2_500,
    answerWithinMs: limits.answerWithinMs ?? 1_500,
  };
}
