/**
 * A node: one of Rollcall's servers on a port of its own. The server is made by its composition root and knows nothing
 * of sockets; here it gets a listener, and an address to tell the others.
 */

import { readFileSync } from "node:fs";

import type { ConnectRouter } from "@connectrpc/connect";
import type { DescMethodStreaming } from "@bufbuild/protobuf";
import {
  MESSAGE_BYTES_MAX,
  RegistryError,
  type Clock,
  type Dialer,
  type Log,
  type Random,
  type StreamRoutes,
  type Tracer,
} from "@rollcall/core";
import { openTelemetryTracer } from "@rollcall/tracing";

import { systemClock } from "./clock.ts";
import { loadSettings } from "./config/load-settings.ts";
import type { ServerSettings } from "./config/server-settings.ts";
import type { SettingValues, Settings, SettingsDefinition } from "./config/settings.ts";
import { listen } from "./listener/listen.ts";
import { createLog } from "./log.ts";
import { ProcessMetrics, gauge, prometheusText, type Metric } from "./metrics.ts";
import { runProcess, type RunningServer } from "./process.ts";
import { systemRandom } from "./random.ts";
import { createHttp2Dialer } from "./stream/http2-dialer.ts";
import { startTracing } from "./tracing.ts";
import type { ErrorDetailCodec } from "./stream/status.ts";

/** What a composition root gives. */
export interface NodeServer {
  readonly streams: StreamRoutes;
  /** Descriptors of the methods in `streams`, for clients that call them in other forms than bytes over HTTP/2. */
  readonly streamMethods: readonly DescMethodStreaming[];
  /** Paths of `streams` that only nodes use, which may send larger messages than clients. */
  readonly nodePaths: readonly string[];
  routes(router: ConnectRouter): void;
  /** What keeps the node from doing its work; empty when it is ready. */
  unready(): string[];
  /** What whoever looks at the node should know though it does its work: that an operator has stopped something. */
  notices?(): string[];
  /**
   * True when everything this node was told has reached all whom it concerns, as far as it knows. Absent: it passes
   * nothing on.
   */
  isSettled?(): boolean;
  metrics(): Metric[];
  /** @param address `host:port` by which others reach this node */
  start(address: string): void | Promise<void>;
  stop(): void | Promise<void>;
}

/** What a composition root is given by a real process. */
export interface NodePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly dialer: Dialer;
  /** Default: nobody records what is traced. */
  readonly tracer?: Tracer | undefined;
  /** To be called by a server that is of no use as it is: its process ends. Default: nobody cares. */
  readonly cannotGoOn?: ((why: Error) => void) | undefined;
}

export type NodeSettings = SettingValues<ServerSettings>;

export interface StartNodeOptions {
  readonly nodeId: string;
  readonly settings: Pick<NodeSettings, "host" | "port" | "advertise" | "stopGraceMs"> & {
    readonly corsOrigins?: readonly string[] | undefined;
  };
  readonly log: Log;
  readonly errorDetail: ErrorDetailCodec;
  /** Default: whatever OpenTelemetry SDK this process has registered. */
  readonly tracer?: Tracer | undefined;
  /** Ends the process. */
  readonly cannotGoOn?: ((why: Error) => void) | undefined;
  readonly create: (ports: NodePorts) => NodeServer | Promise<NodeServer>;
}

/** A node that listens; `unready` tells when it does its work. */
export interface RunningNode extends RunningServer {
  readonly nodeId: string;
  unready(): string[];
  /** As of its server. */
  isSettled(): boolean;
}

/** Rejects with a RegistryError when the port or what the server needs cannot be had. */
export async function startNode({
  nodeId,
  settings,
  log,
  errorDetail,
  tracer = openTelemetryTracer(),
  cannotGoOn,
  create,
}: StartNodeOptions): Promise<RunningNode> {
  const dialer = createHttp2Dialer({ errorDetail });
  const server = await create({ clock: systemClock, random: systemRandom, log, dialer, tracer, cannotGoOn });
  const processMetrics = new ProcessMetrics();
  const listener = await listen({
    host: settings.host,
    port: settings.port,
    streams: server.streams,
    streamMethods: server.streamMethods,
    routes: (router) => server.routes(router),
    readiness: () => {
      const reasons = server.unready();
      return { ready: reasons.length === 0, reasons, notices: server.notices?.() ?? [] };
    },
    metrics: () =>
      prometheusText([
        ...processMetrics.read(),
        gauge("rollcall_open_connections", "Connections to this node's port.", listener.connections),
        gauge("rollcall_open_streams", "Long-lived streams on this node's port.", listener.openStreams),
        ...server.metrics(),
      ]),
    corsOrigins: settings.corsOrigins,
    errorDetail,
    limits: { messageBytesMaxOf: new Map(server.nodePaths.map((path) => [path, MESSAGE_BYTES_MAX])) },
    log,
  });
  const address = settings.advertise ?? listener.address;
  try {
    await server.start(address);
  } catch (thrown) {
    await listener.close(0);
    throw thrown;
  }
  return {
    nodeId,
    address,
    unready: () => server.unready(),
    isSettled: () => server.isSettled?.() ?? true,
    async stop() {
      await server.stop();
      await listener.close(settings.stopGraceMs);
      dialer.close();
      processMetrics.stop();
    },
  };
}

export interface RunNodeOptions<Own extends Settings> {
  readonly role: string;
  readonly definition: SettingsDefinition<ServerSettings & Own>;
  /** What follows the command. */
  readonly args: readonly string[];
  readonly errorDetail: ErrorDetailCodec;
  readonly create: (
    nodeId: string,
    settings: SettingValues<ServerSettings & Own>,
    ports: NodePorts,
  ) => NodeServer | Promise<NodeServer>;
}

/** Exit code for a command line or settings that make no sense, as the shell's own commands have it. */
const EXIT_USAGE = 2;

/** The whole life of a process that is one node. */
export async function runNode<Own extends Settings>({
  role,
  definition,
  args,
  errorDetail,
  create,
}: RunNodeOptions<Own>): Promise<void> {
  let loaded;
  try {
    loaded = loadSettings(definition, { args, env: process.env, readFile: (path) => readFileSync(path, "utf8") });
  } catch (thrown) {
    if (!(thrown instanceof RegistryError)) throw thrown;
    process.stderr.write(`rollcall ${role}: ${thrown.message}\n`);
    process.exitCode = EXIT_USAGE;
    return;
  }
  if (loaded.kind === "help") {
    process.stdout.write(`Usage: rollcall ${role} [settings]\n\n${loaded.text}`);
    return;
  }
  const settings = loaded.value;
  const common: NodeSettings = settings;
  const nodeId = common.nodeId ?? newNodeId(role);
  const log = createLog({ level: common.logLevel, fields: { role, node: nodeId } });
  for (const name of loaded.unusedVariables) log.warn("an environment variable is no setting", { name });
  await runProcess({
    role,
    log,
    async start(cannotGoOn) {
      const tracing = await startTracing({ role, nodeId, collector: common.otelEndpoint, env: process.env, log });
      const { tracer } = tracing;
      const createServer = (ports: NodePorts) => create(nodeId, settings, ports);
      const options = { nodeId, settings: common, log, errorDetail, tracer, cannotGoOn };
      const node = await startNode({ ...options, create: createServer });
      return {
        address: node.address,
        async stop() {
          await node.stop();
          await tracing.stop();
        },
      };
    },
  });
}

/** A name for a node that was given none: new at each start. */
export function newNodeId(role: string): string {
  return `${role}-${systemRandom.id().slice(0, 8)}`;
}
