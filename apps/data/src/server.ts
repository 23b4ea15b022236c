/**
 * The data server: the one place where its parts are made and joined.
 *
 * A write's way: rpc/session-links -> storage -> datums/registered-service, and from there to those who watch: the
 * followers (rpc/follower-links), the disk (warm/), and the sessions that are interested (notify/session-peer).
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
  DataService,
  Health,
  IntrospectionService,
  LINK_PATH,
  REPLICATE_PATH,
  bytesFromInstance,
  instanceAddressFromBytes,
  instanceBytesWith,
  probeFromBytes,
} from "@rollcall/protocol";
import type { NodePorts, NodeServer } from "@rollcall/runtime";
import { noTracer, type Timer } from "@rollcall/core";

import { DATA_DEFAULTS } from "./defaults.ts";
import { dataMetrics } from "./metrics.ts";
import { Blocks } from "./overrides/blocks.ts";
import { LeaderLinks } from "./peers/leader-links.ts";
import { Overrides } from "./overrides/overrides.ts";
import { seemsCutOff } from "./probes/probe-guard.ts";
import type { Prober } from "./probes/prober.ts";
import { Probes } from "./probes/probes.ts";
import { Quotas } from "./quotas/quotas.ts";
import { FollowerLinks } from "./rpc/follower-links.ts";
import { SessionLinks } from "./rpc/session-links.ts";
import { HandOver } from "./slots/hand-over.ts";
import { StaticInstances } from "./statics/static-instances.ts";
import { Storage } from "./storage.ts";
import { WarmCopy } from "./warm/warm-copy.ts";
import { warmSourceOf, warmWatcherOf } from "./warm/warm-watcher.ts";
import type { WarmStore } from "./warm/warm-store.ts";

export interface DataServerConfig extends JoiningNode {
  /** How long the registrations of a session that is gone stay, in milliseconds. */
  readonly registrationLeaseMs: number;
  /** How many data nodes hold each slot, if it expects a number. */
  readonly replicas?: number | undefined;
  /** How long the node may take to hand its slots over when it stops, in milliseconds. */
  readonly drainMs?: number;
}

export interface DataServerPorts extends NodePorts {
  /** Where a copy of everything is kept; without one a restart of all data nodes begins with nothing. */
  readonly warm?: WarmStore | undefined;
  /** Who probes instances; without one they stay what they are taken for. */
  readonly prober?: Prober | undefined;
}

/** How often followers and leaders are looked after, in milliseconds. */
const SWEEP_MS = 250;

/** Two nodes that do not agree for so long, in milliseconds, make this one unready. */
const DISPUTE_MS = 30_000;

export function createDataServer(config: DataServerConfig, ports: DataServerPorts): NodeServer {
  const { clock, log, tracer = noTracer } = ports;
  const { drainMs = DATA_DEFAULTS.drainMs } = config;
  const overrides = new Overrides({ addressOf: instanceAddressFromBytes, withChanges: instanceBytesWith });
  const blocks = new Blocks(overrides);
  const storage = new Storage(config, {
    clock,
    log,
    tracer,
    showing: blocks,
    refusal: (write) => quotas.refusal(write),
    membersKnownAt: () => meta.currentAsOf,
    tableIsOld: () => meta.refresh(),
  });
  const { ownership, datums, reconciler } = storage;
  const quotas = new Quotas(datums, ownership);
  storage.watch(quotas);
  const sessions = new SessionLinks(storage, ports);
  const followers = new FollowerLinks(
    {
      // Whoever copies what is not complete would take itself for complete.
      led: (slot) => (ownership.of(slot).kind === "leading" ? datums.of(slot) : undefined),
      tableEpoch: () => ownership.tableEpoch,
    },
    ports,
  );
  const leaders = new LeaderLinks(
    config.nodeId,
    {
      followed: (slot) => (ownership.of(slot).kind === "following" ? datums.of(slot) : undefined),
      syncChanged(slot, leaderEpoch, isSynced) {
        if (!ownership.syncChanged({ slot, leaderEpoch }, isSynced)) return;
        if (isSynced) storage.synced(slot);
        meta.report();
      },
    },
    ports,
  );
  const probes =
    ports.prober &&
    new Probes(datums, {
      clock,
      random: ports.random,
      log,
      prober: ports.prober,
      orderOf: probeFromBytes,
      leads: (slot) => ownership.of(slot).kind === "leading",
      isCutOff: () => seemsCutOff(storage.linkedSessions, clock.now() - meta.currentAsOf, config.heartbeatMs),
      judged: (claim, unhealthy, why) => storage.announcer.judge(claim, unhealthy, why),
    });
  if (probes !== undefined) storage.watch(probes);
  const controls = new ControlSet();
  const statics = new StaticInstances(datums, {
    ledAt(slot) {
      const present = ownership.of(slot);
      return present.kind === "leading" || present.kind === "taking over" ? present.leaderEpoch : undefined;
    },
    knownVersion: () => controls.version,
    announcer: storage.announcer,
    encode: bytesFromInstance,
  });
  storage.watch(statics);
  controls.watch("static instance", (changes) => statics.adopt(changes));
  const warm = ports.warm && new WarmCopy(ports.warm, warmSourceOf(datums), ports);

  const adopt = (membership: Membership): void => {
    const { clusterId } = membership.state;
    storage.joined(clusterId);
    storage.adopt(membership.state);
    leaders.adopt(membership);
    warm?.start(clusterId);
    handOver.look();
  };
  const hello = { startId: ports.random.id(), role: "data", replicas: config.replicas } as const;
  controls.watch("instance override", (changes) => {
    const affected = overrides.change(changes);
    storage.reshowing.show(overrides.affectedIn(datums, affected), "an operator has decided how it is shown");
  });
  const block = (): void => {
    const changed = blocks.adopt([...controls.all("namespace block"), ...controls.all("service block")]);
    storage.reshowing.show(blocks.affectedIn(datums, changed), "an operator has blocked it, or has ended that");
  };
  controls.watch("namespace block", block);
  controls.watch("service block", block);
  controls.watch("quota", () => quotas.adopt(controls.all("quota").map(({ control }) => control)));
  const meta = new MetaLink(
    {
      node: config,
      hello,
      refused: ports.cannotGoOn,
      controls,
      synced: () => ownership.synced(),
      usage: () => quotas.report(),
      usageTold: (elsewhere) => quotas.told(elsewhere),
      draining: () => handOver.hasBegun,
      unreachable: () => leaders.unreachable(clock.now()),
    },
    ports,
    adopt,
  );
  const handOver = new HandOver(config.nodeId, {
    clock,
    state: () => meta.membership?.state,
    isJoined: () => meta.isJoined,
  });

  storage.watch({
    changed: ({ service }) => followers.changed(service.slot),
    discarded: ({ service }) => followers.changed(service.slot),
    ownershipChanged: ({ slot }) => followers.changed(slot),
    completed: () => {},
    dropped: () => {},
  });

  let isLoaded = false;
  const unready = (): string[] => {
    if (!isLoaded) return ["is loading what it had on disk"];
    if (meta.membership === undefined) return [meta.whyNotJoined];
    if (handOver.hasBegun) return ["is stopping"];
    const takingOver = ownership.count("taking over");
    return [
      ...(takingOver > 0 ? [`${takingOver} slots are being taken over`] : []),
      ...reconciler.problems(clock.now(), DISPUTE_MS),
      ...leaders.problems(clock.now()),
      ...meta.problems,
    ];
  };

  let sweepTimer: Timer | undefined;
  const sweep = (): void => {
    const now = clock.now();
    followers.sweep(now);
    leaders.sweep(now);
    statics.sweep();
    probes?.sweep(now);
    sweepTimer = clock.setTimer(SWEEP_MS, sweep);
  };

  return {
    streams: new Map([
      [LINK_PATH, sessions.handler],
      [REPLICATE_PATH, followers.handler],
    ]),
    streamMethods: [],
    nodePaths: [LINK_PATH, REPLICATE_PATH],
    routes(router) {
      router.service(IntrospectionService, introspectionService(config.nodeId, storage.events));
      router.service(Health, healthService([DataService.typeName], unready, clock));
    },
    unready,
    notices: () => blocks.notices(),
    isSettled: () => sessions.isSettled,
    metrics: () => dataMetrics({ storage, quotas, sessions, followers, leaders, warm, probes }),
    async start(address) {
      await load();
      isLoaded = true;
      storage.start();
      sweep();
      meta.open(address);
    },
    async stop() {
      if (drainMs > 0) {
        const ended = handOver.begin(drainMs);
        meta.report();
        log.info("slots were handed over", { end: await ended });
      }
      meta.leave();
      sweepTimer?.cancel();
      probes?.stop();
      storage.stop();
      sessions.closeAll();
      followers.closeAll();
      leaders.close();
      await warm?.flush();
      warm?.stop();
      await ports.warm?.close();
    },
  };

  async function load(): Promise<void> {
    if (warm === undefined) return;
    const { clusterId, versions } = await warm.load(({ slot, key, claim }) => datums.restore(slot, key, claim));
    storage.restored(clusterId, versions);
    // What is changed from now on is written; what was just read need not be.
    storage.watch(warmWatcherOf(warm));
  }
}

export { NetworkProber } from "./peers/network-prober.ts";
export type { ProbeOutcome, Prober } from "./probes/prober.ts";
export { MemoryWarmDisk } from "./warm/memory-warm-store.ts";
