/**
 * The session server: the one place where its parts are made and joined.
 *
 * A registration's way: rpc/client-links -> connections/client-connection -> registrations/registration-store ->
 * routing/writer -> routing/data-peer -> peers/data-links. A push's way: peers/data-links -> views/interests ->
 * views/service-copy -> views/view -> connections/client-connection -> the stream.
 */

import {
  ControlSet,
  MetaLink,
  healthService,
  introspectionService,
  type JoiningNode,
  type Membership,
} from "@rollcall/cluster";
import {
  ClientSwitches,
  DurationHistogram,
  ServiceEvents,
  digestOfText,
  limitedTurns,
  noTracer,
  type ClientIdentity,
  type Frame,
  type SessionLoad,
  type SwitchedOff,
  type Timer,
} from "@rollcall/core";
import {
  CONNECT_PATH,
  Health,
  ConnectionService,
  IntrospectionService,
  RegistryService,
  WATCH_PATH,
  WATCH_SERVICES_PATH,
  frameFromServerMessage,
  framesFromPush,
  framesFromServicesPush,
  instanceFromBytes,
  isMarkedUnhealthy,
} from "@rollcall/protocol";
import type { NodePorts, NodeServer } from "@rollcall/runtime";

import { Balancer } from "./balance/balancer.ts";
import { Roster } from "./balance/roster.ts";
import { RestoreGate } from "./connections/restore-gate.ts";
import { SESSION_DEFAULTS } from "./defaults.ts";
import { ServiceLists } from "./lists/service-lists.ts";
import { sessionMetrics } from "./metrics.ts";
import { DataLinks } from "./peers/data-links.ts";
import { PushSwitch } from "./pushes/push-switch.ts";
import { LeaseWriter } from "./registrations/lease-writer.ts";
import { RegistrationStore } from "./registrations/registration-store.ts";
import { AntiEntropy } from "./routing/anti-entropy.ts";
import { Barriers } from "./routing/barriers.ts";
import { Handover } from "./routing/handover.ts";
import { ServiceDirectory } from "./routing/service-directory.ts";
import { Writer } from "./routing/writer.ts";
import { ClientLinks } from "./rpc/client-links.ts";
import { connectionService } from "./rpc/connection-routes.ts";
import { registryRoutes } from "./rpc/registry-routes.ts";
import { WatchLinks } from "./rpc/watch-links.ts";
import { Interests } from "./views/interests.ts";
import { Tellings } from "./views/tellings.ts";

export interface SessionServerConfig extends JoiningNode {
  /** How long the registrations of a connection that was reset wait for the client to come back, in milliseconds. */
  readonly connectionGraceMs: number;
  /** The same for a connection that fell silent, from when that was found out. With the time to find out, the lease. */
  readonly silenceGraceMs: number;
  /** Clients connected at a time. */
  readonly connectionsMax?: number;
  /** Clients brought back at a time, from their hello until all they asked for is answered. */
  readonly restoringMax?: number;
  /** Clients that wait for their turn to be brought back. */
  readonly restoreQueueMax?: number;
  /** Time between looks at whether this session has too many clients, in milliseconds; 0 for never. */
  readonly balanceEveryMs?: number;
  /** How long clients may take to move elsewhere when this session stops, in milliseconds. */
  readonly drainMs?: number;
}

/** Addresses named to a client that is asked to move, at most. */
const MOVE_TO_MAX = 100;

/** How often leases, retries and receipts are looked at, in milliseconds. */
const SWEEP_MS = 250;

/** Connections that are written to before other input is looked at: some milliseconds of work. */
const CLIENTS_PER_TURN_MAX = 128;

export function createSessionServer(given: SessionServerConfig, ports: NodePorts): NodeServer {
  const config = { ...SESSION_DEFAULTS, ...given };
  const { clock, random, log, tracer = noTracer } = ports;
  const links = new DataLinks(config.nodeId, ports);
  const { wake } = links;
  const writer = new Writer({ clock, wake, tableIsOld: () => meta.refresh() });
  const hello = { startId: random.id(), role: "session" } as const;
  const registrations = new RegistrationStore(
    clock,
    writer,
    (registration) => handover.written(registration),
    digestOfText(hello.startId).low,
  );
  const events = new ServiceEvents(() => clock.now());
  const pushAges = new DurationHistogram();
  const receiptTimes = new DurationHistogram();
  const interests = new Interests(
    clock,
    {
      clock,
      tracer,
      pushAges,
      events,
      encodePush: framesFromPush,
      readInstance: ({ bytes }) => instanceFromBytes(bytes),
      isUnhealthy: isMarkedUnhealthy,
    },
    wake,
  );
  const handover = new Handover({
    clock,
    registrations,
    hasPending: (slot) => writer.hasPending(slot),
    seen: () => interests.seen(),
    wake,
  });
  const antiEntropy = new AntiEntropy({ clock, random, registrations, writer, handover, interests, wake });
  const directory = new ServiceDirectory(links.query);
  const lists = new ServiceLists(clock, framesFromServicesPush, wake);
  const barriers = new Barriers(clock, wake);
  const tellings = new Tellings({ clock, copyOf: (key) => interests.find(key), wake });
  links.speakFor({ writer, handover, antiEntropy, interests, lists, directory, barriers, tellings });

  const adopt = (membership: Membership): void => {
    const { table } = membership.state;
    // The table first: what a new link says is routed by it.
    writer.adopt(table);
    handover.adopt(table);
    antiEntropy.adopt(table);
    interests.adopt(table);
    directory.adopt(table);
    barriers.adopt(table);
    links.adopt(membership);
    roster.adopt(membership.state);
  };
  const load = (): { clients: number; draining: boolean } => ({
    clients: clients.connections,
    draining: clients.isLeaving,
  });
  const roster = new Roster(config.nodeId, load);
  const controls = new ControlSet();
  const meta = new MetaLink(
    {
      node: config,
      hello,
      refused: ports.cannotGoOn,
      controls,
      load,
      unreachable: () => links.unreachable(clock.now()),
      loadsChanged: (loads) => {
        roster.adoptLoads(loads);
        // When all stop, nobody has anywhere to go.
        if (roster.others.length === 0) clients.endDrain();
      },
    },
    ports,
    adopt,
  );

  let switches = new ClientSwitches([]);
  const switchedOff = (client: ClientIdentity): SwitchedOff => switches.of(client);
  controls.watch("client off", () => {
    switches = new ClientSwitches(controls.all("client off").map(({ control }) => control));
    clients.switchesChanged();
    watches.switchesChanged();
  });
  const pushes = new PushSwitch();
  controls.watch("push off", () => {
    pushes.adopt(controls.all("push off"));
    clients.pushesChanged();
    watches.pushesChanged();
  });

  const greeting = () => meta.membership && { nodeId: config.nodeId, clusterId: meta.membership.state.clusterId };
  const sessionsFrame = framedOnce(() => roster.told);
  const gate = new RestoreGate(clock, { restoringMax: config.restoringMax, queueMax: config.restoreQueueMax });
  const clientClock = limitedTurns(clock, CLIENTS_PER_TURN_MAX);
  const clients = new ClientLinks(config, {
    clock: clientClock,
    random,
    log,
    registrations,
    interests,
    barriers,
    lists,
    tracer,
    receiptTimes,
    events,
    pushes,
    switchedOff,
    gate,
    hello: greeting,
    sessions: () => (roster.told.length === 0 ? undefined : sessionsFrame()),
  });
  const isRestoring = (): boolean => gate.restoring + gate.waiting > 0;
  const balancer = new Balancer({ clock, random, roster, clients, isRestoring }, config.balanceEveryMs);
  const watches = new WatchLinks({
    clock: clientClock,
    registrations,
    interests,
    lists,
    barriers,
    events,
    pushes,
    switchedOff,
    hello: greeting,
  });

  const notReady = (): string[] => [
    ...(clients.isLeaving ? ["is stopping"] : []),
    ...unready(meta, links.down(), handover.failing(clock.now())),
  ];
  let sweepTimer: Timer | undefined;
  const sweep = (): void => {
    const now = clock.now();
    writer.sweep(now);
    handover.sweep(now);
    antiEntropy.sweep(now);
    interests.sweep(now);
    barriers.sweep(now);
    tellings.sweep(now);
    lists.sweep(now);
    registrations.sweep(now);
    gate.sweep(now);
    clients.sweep(now);
    watches.sweep(now);
    if (roster.hasNews(now)) clients.sessionsChanged();
    if (!clients.isLeaving) balancer.sweep(now);
    sweepTimer = clock.setTimer(SWEEP_MS, sweep);
  };

  return {
    streams: new Map([
      [CONNECT_PATH, clients.handler],
      [WATCH_PATH, watches.handler],
      [WATCH_SERVICES_PATH, watches.servicesHandler],
    ]),
    streamMethods: [RegistryService.method.connect, RegistryService.method.watch, RegistryService.method.watchServices],
    nodePaths: [],
    routes(router) {
      const unary = registryRoutes({
        clock,
        leases: new LeaseWriter(registrations, writer, tracer),
        interests,
        directory,
        barriers,
        pushes,
        switchedOff,
        isJoined: () => meta.membership !== undefined,
      });
      const { register, unregister, drain, renew, resolve, listServices } = RegistryService.method;
      router.rpc(register, unary.register);
      router.rpc(unregister, unary.unregister);
      router.rpc(drain, unary.drain);
      router.rpc(renew, unary.renew);
      router.rpc(resolve, unary.resolve);
      router.rpc(listServices, unary.listServices);
      router.service(ConnectionService, connectionService({ nodeId: config.nodeId, clients, log }));
      router.service(IntrospectionService, introspectionService(config.nodeId, events));
      router.service(Health, healthService([RegistryService.typeName], notReady, clock));
    },
    unready: notReady,
    notices: () => pushes.notices(),
    isSettled: () => writer.waiting === 0 && interests.isSettled && clients.isSettled,
    metrics: () =>
      sessionMetrics({
        antiEntropy,
        balancer,
        barriers,
        clients,
        gate,
        handover,
        interests,
        lists,
        pushes,
        registrations,
        watches,
        pushAges,
        receiptTimes,
        writer,
      }),
    start(address) {
      meta.open(address);
      sweep();
    },
    async stop() {
      const elsewhere = roster.others.map(({ address }) => address).slice(0, MOVE_TO_MAX);
      if (elsewhere.length > 0 && clients.connections > 0 && config.drainMs > 0) {
        watches.refuse();
        const drained = clients.drain(config.drainMs, elsewhere);
        // They go where they know somebody: one that has just come back would get none of them.
        if (roster.hasNews(clock.now(), { atOnce: true })) clients.sessionsChanged();
        meta.report();
        await drained;
      }
      sweepTimer?.cancel();
      clients.stop();
      watches.stop();
      meta.leave();
      links.close();
    },
  };
}

/** Frames a list of sessions when it is another one than the last time. */
function framedOnce(present: () => readonly SessionLoad[]): () => Frame {
  let last: { readonly sessions: readonly SessionLoad[]; readonly frame: Frame } | undefined;
  return () => {
    const sessions = present();
    if (last?.sessions !== sessions) last = { sessions, frame: frameFromServerMessage({ sessions }) };
    return last.frame;
  };
}

function unready(meta: MetaLink, down: readonly string[], failing: readonly string[]): string[] {
  const { membership } = meta;
  if (membership === undefined) return [meta.whyNotJoined];
  const there = new Set<string | undefined>(membership.state.members.map(({ nodeId }) => nodeId));
  const leaderless = membership.state.table.owners.filter(({ leader }) => !there.has(leader)).length;
  return [
    ...(leaderless > 0 ? [`${leaderless} slots have no leader`] : []),
    ...meta.problems,
    ...down.map((nodeId) => `the link to data node ${nodeId} is down`),
    ...failing.filter((nodeId) => !down.includes(nodeId)).map((nodeId) => `the sync with data node ${nodeId} fails`),
  ];
}
