// Serving: one port for streams, RPCs and pages.
export { listen, type Listener, type ListenOptions } from "./listener/listen.ts";
export type { ListenLimits } from "./listener/limits.ts";
export type { Page, PageHandler, PageRequest, Readiness } from "./listener/pages.ts";
export { peerAddressKey, typedStreamHandler } from "./typed-stream.ts";

// Errors on their way through Connect.
export { connectErrorFromRegistryError, registryErrorFromConnectError, registryErrors } from "./errors.ts";
