// Links to other programs, from either side.
export { createHttp2Dialer, type Http2Dialer, type Http2DialerOptions } from "./http2-dialer.ts";
export { createStreamRouter, type StreamRouter, type StreamRouterOptions } from "./stream-router.ts";

// How errors travel.
export type { ErrorDetailCodec } from "./status.ts";
