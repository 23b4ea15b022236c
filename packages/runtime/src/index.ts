// Serving: one port for streams, RPCs and pages.
export { listen, type Listener, type ListenOptions } from "./listener/listen.ts";
export type { ListenLimits } from "./listener/limits.ts";
export type { Page, PageHandler, PageRequest, Readiness } from "./listener/pages.ts";
export { peerAddressKey, typedStreamHandler } from "./typed-stream.ts";

// A node: a server on a port of its own, and a process that is one.
export {
  newNodeId,
  runNode,
  startNode,
  type NodePorts,
  type NodeServer,
  type RunNodeOptions,
  type RunningNode,
  type StartNodeOptions,
} from "./node.ts";

// What a node counts.
export { counter, gauge, histogram, prometheusText, type Metric } from "./metrics.ts";

// Errors on their way through Connect.
export { connectErrorFromRegistryError, registryErrorFromConnectError, registryErrors } from "./errors.ts";

// A process: its life, its settings, its log, and the ports that only a real one can fill.
export { runProcess, StopSequence, type HostProcess, type ProcessOptions, type RunningServer } from "./process.ts";
export {
  defineSettings,
  setting,
  type Setting,
  type SettingOptions,
  type Settings,
  type SettingsDefinition,
  type SettingValues,
} from "./config/settings.ts";
export { loadSettings, type LoadedSettings, type SettingSources } from "./config/load-settings.ts";
export { defineServerSettings, serverSettings, type ServerSettings } from "./config/server-settings.ts";
export { createLog, LOG_LEVELS, type LogLevel, type LogOptions } from "./log.ts";
export { systemClock } from "./clock.ts";
export { systemRandom } from "./random.ts";

// Others.
export { reaches } from "./reaches.ts";
