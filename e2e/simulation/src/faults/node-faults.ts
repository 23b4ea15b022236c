/** Faults of processes and machines. */

import { assert, type NodeRole } from "@rollcall/core";

import type { SimNode } from "../cluster/sim-node.ts";
import { pickUp, type Begun, type Fault, type FaultScene } from "./fault.ts";

export interface CrashOptions {
  /** Probability that the disk is lost with the process. */
  readonly diskLost?: number | undefined;
  /** Probability that the machine goes silent, so that others find out by their keepalive. */
  readonly silent?: number | undefined;
}

/** kill -9 of any node of the role; its process is started again when the fault ends. */
export function crash(role: NodeRole, options: CrashOptions = {}): Fault {
  return (scene) => {
    const node = pickUp(scene, role);
    return node && crashed([node], scene, options);
  };
}

/** kill -9 of the leader of a service's slot, while somebody follows it; with `pair`, of one follower as well. */
export function crashLeader(services: readonly string[], options: CrashOptions & { readonly pair: boolean }): Fault {
  return (scene) => {
    const { cluster, random, downMax } = scene;
    const service = random.pick(services);
    const owner = cluster.ownerOf(service);
    if (owner?.leader === undefined) return undefined;
    const leader = cluster.data.find(({ nodeId }) => nodeId === owner.leader);
    const others = cluster.data.filter((node) => node !== leader && node.state === "up");
    const out = cluster.data.filter(({ state }) => state !== "up").length;
    const wanted = options.pair ? 2 : 1;
    if (leader?.state !== "up" || others.length < wanted || out + wanted > downMax("data")) return undefined;
    const follower = others.find(({ nodeId }) => owner.followers.includes(nodeId)) ?? others[0]!;
    return crashed(options.pair ? [leader, follower] : [leader], scene, options);
  };
}

/** All servers at once; they come back one after the other. Sessions have no disk, and meta keeps its own. */
export function crashEverything(options: CrashOptions): Fault {
  return ({ cluster, random, history }) => {
    const nodes = cluster.nodes.filter(({ state }) => state !== "down");
    const silent = random.chance(options.silent ?? 0);
    const disk = random.chance(options.diskLost ?? 0) ? "lost" : "kept";
    for (const node of nodes) node.crash({ silent });
    history.record({ kind: "all servers down" });
    return {
      words: `all servers ${silent ? "lose power" : "are killed"}; the disks of data nodes are ${disk}`,
      end: () => {
        for (const node of random.shuffle(nodes)) {
          const delayMs = random.between(0, 1_000);
          cluster.clock.setTimer(delayMs, () => {
            if (node.state === "down") node.restart({ disk: node.role === "data" ? disk : "kept" });
          });
        }
        history.record({ kind: "servers back" });
      },
    };
  };
}

function crashed(nodes: readonly SimNode[], { random }: FaultScene, { silent = 0, diskLost = 0 }: CrashOptions): Begun {
  const isSilent = random.chance(silent);
  const disk = random.chance(diskLost) ? "lost" : "kept";
  for (const node of nodes) node.crash({ silent: isSilent });
  return {
    words: `${namesOf(nodes)} ${isSilent ? "loses power" : "is killed"}, disk ${disk}`,
    end: () => {
      for (const node of nodes) if (node.state === "down") node.restart({ disk });
    },
  };
}

/** SIGTERM; its process is started again when the fault ends. */
export function stop(role: NodeRole): Fault {
  return (scene) => {
    const node = pickUp(scene, role);
    if (node === undefined) return undefined;
    void node.stop();
    return {
      words: `${node.nodeId} is told to stop`,
      end: () => {
        // Who waits for it has waited long enough.
        node.crash();
        node.restart({ disk: "kept" });
      },
    };
  };
}

/** How often it is looked whether a node has ended or is ready, in milliseconds. */
const LOOK_EVERY_MS = 50;

/** Every node of the role in turn: SIGTERM, a new process once the old one has ended, and the next once that is ready. */
export function rollingRestart(role: NodeRole): Fault {
  return ({ cluster, random }) => {
    const waiting = random.shuffle(cluster.nodesOf(role));
    if (waiting.some(({ state }) => state !== "up")) return undefined;
    const order = namesOf(waiting);
    let present: SimNode | undefined;
    let isOver = false;
    const goOn = (): void => {
      if (isOver) return;
      if (present?.state === "down") present.restart({ disk: "kept" });
      else if (present === undefined || present.isReady) {
        present = waiting.shift();
        if (present === undefined) return;
        void present.stop();
      }
      cluster.clock.setTimer(LOOK_EVERY_MS, goOn);
    };
    goOn();
    return {
      words: `${order} are told to stop and started again, one after the other`,
      end: () => {
        isOver = true;
        if (present?.state === "stopping") present.crash();
        if (present?.state === "down") present.restart({ disk: "kept" });
      },
    };
  };
}

/** SIGSTOP, then SIGCONT. */
export function pause(role: NodeRole): Fault {
  return (scene) => {
    const node = pickUp(scene, role);
    if (node === undefined) return undefined;
    node.pause();
    return { words: `${node.nodeId} is paused`, end: () => node.resume() };
  };
}

/** The event loop is blocked. */
export function stall(role: NodeRole): Fault {
  return (scene) => {
    const node = pickUp(scene, role);
    if (node === undefined) return undefined;
    node.stall();
    return { words: `${node.nodeId} blocks its event loop`, end: () => node.resume() };
  };
}

/** How long the session of {@link sleepThroughReturn} is away before the others fall asleep, in milliseconds. */
const AWAY_MS = 14_000;

/** How long after that it can be reached again, in milliseconds. */
const BACK_MS = 500;

/**
 * A session is cut off from all servers. Shortly before its registrations would go, the leader of a service's slot and
 * meta block their event loops, and the session comes back while they do: when they wake up its time is over, though it
 * is there. What the two believed before they slept says nothing about now.
 */
export function sleepThroughReturn(services: readonly string[]): Fault {
  return ({ cluster, random }) => {
    const { meta, clock, network } = cluster;
    const leader = cluster.data.find(({ nodeId }) => nodeId === cluster.ownerOf(random.pick(services))?.leader);
    const session = random.pick(cluster.sessions);
    if (leader === undefined || [leader, meta, session].some(({ state }) => state !== "up")) return undefined;
    const servers = cluster.nodes.map(({ address }) => address).filter((address) => address !== session.address);
    const heal = (): void => network.heal([session.address], servers);
    let isOver = false;
    network.partition([session.address], servers);
    clock.setTimer(AWAY_MS, () => {
      if (isOver) return;
      leader.stall();
      meta.stall();
      clock.setTimer(BACK_MS, heal);
    });
    return {
      words: `${session.nodeId} is cut off from all servers, and comes back while ${leader.nodeId} and meta sleep`,
      end: () => {
        isOver = true;
        heal();
        leader.resume();
        meta.resume();
      },
    };
  };
}

/** The clock of a node is later all at once. */
export function leap(role: NodeRole, [lowMs, highMs]: readonly [low: number, high: number]): Fault {
  return ({ cluster, random }) => {
    const up = cluster.nodesOf(role).filter(({ state }) => state === "up");
    if (up.length === 0) return undefined;
    const node = random.pick(up);
    const ms = random.between(lowMs, highMs);
    node.leap(ms);
    return { words: `the clock of ${node.nodeId} leaps ${ms.toFixed(0)} ms`, end: () => {} };
  };
}

/** Nothing can be written to the disk of a node. */
export function fullDisk(role: NodeRole): Fault {
  return ({ cluster, random }) => {
    const node = random.pick(cluster.nodesOf(role));
    node.disk.setFull(true);
    return { words: `the disk of ${node.nodeId} is full`, end: () => node.disk.setFull(false) };
  };
}

/** One more data node joins, and stays. */
export function addData(nodesMax: number): Fault {
  return ({ cluster }) => {
    if (cluster.data.filter(({ state }) => state === "up").length >= nodesMax) return undefined;
    return { words: `${cluster.addData().nodeId} is added`, end: () => {} };
  };
}

/** A data node leaves for good in an orderly way; so many stay. */
export function removeData(nodesMin: number): Fault {
  return ({ cluster, random }) => {
    assert(nodesMin > 0, "somebody has to lead the slots");
    const up = cluster.data.filter(({ state }) => state === "up");
    if (up.length <= nodesMin) return undefined;
    const node = random.pick(up);
    void node.stop();
    return { words: `${node.nodeId} is removed`, end: () => {} };
  };
}

function namesOf(nodes: readonly SimNode[]): string {
  return nodes.map(({ nodeId }) => nodeId).join(" and ");
}
