/** Faults of what lies between processes. */

import type { LinkFaults, SeededRandom } from "@rollcall/testing";

import { STORE_ADDRESS } from "../cluster/sim-cluster.ts";
import type { SimNode } from "../cluster/sim-node.ts";
import { addressOf, type Fault, type FaultScene } from "./fault.ts";

/** Two sides between which something is wrong; undefined when there are no such. */
export type Sides = (scene: FaultScene) => readonly [from: readonly string[], to: readonly string[]] | undefined;

const anyOf = (nodes: readonly SimNode[], random: SeededRandom): string[] =>
  nodes.length === 0 ? [] : [random.pick(nodes).address];

/** A session and a data node. */
export const sessionAndData: Sides = ({ cluster, random }) => [
  anyOf(cluster.sessions, random),
  anyOf(cluster.data, random),
];
export const dataAndMeta: Sides = ({ cluster, random }) => [anyOf(cluster.data, random), [cluster.meta.address]];
export const sessionAndMeta: Sides = ({ cluster, random }) => [anyOf(cluster.sessions, random), [cluster.meta.address]];
export const sessionAndClient: Sides = ({ cluster, clients, random }) =>
  clients.length === 0 ? undefined : [anyOf(cluster.sessions, random), [random.pick(clients)]];
export const dataAndData: Sides = ({ cluster, random }) => {
  const [one, ...others] = random.shuffle(cluster.data);
  return others.length === 0 ? undefined : [[one!.address], [others[0]!.address]];
};
/** One data node and all sessions. */
export const dataAndSessions: Sides = ({ cluster, random }) => [
  anyOf(cluster.data, random),
  cluster.sessions.map(addressOf),
];
/** One data node and every other server. */
export const dataAndServers: Sides = ({ cluster, random }) => {
  const [one] = anyOf(cluster.data, random);
  return [[one!], cluster.nodes.map(addressOf).filter((address) => address !== one)];
};
/** One session and all data nodes. */
export const sessionAndAllData: Sides = ({ cluster, random }) => [
  anyOf(cluster.sessions, random),
  cluster.data.map(addressOf),
];
/** One session and every other server; its clients stay with it. */
export const sessionAndServers: Sides = ({ cluster, random }) => {
  const [one] = anyOf(cluster.sessions, random);
  return [[one!], cluster.nodes.map(addressOf).filter((address) => address !== one)];
};
export const metaAndNodes: Sides = ({ cluster }) => [
  [cluster.meta.address],
  [...cluster.data, ...cluster.sessions].map(addressOf),
];
/** One of several metas and their store. */
export const metaAndStore: Sides = ({ cluster, random }) => [anyOf(cluster.metas, random), [STORE_ADDRESS]];
/** The meta that leads and the store. */
export const leaderAndStore: Sides = ({ cluster }) => [[cluster.meta.address], [STORE_ADDRESS]];
/** All metas and their store. */
export const metasAndStore: Sides = ({ cluster }) => [cluster.metas.map(addressOf), [STORE_ADDRESS]];
/** Any two servers that talk to each other. */
export const anyServers: Sides = (scene) =>
  scene.random.pick([sessionAndData, dataAndMeta, sessionAndMeta, dataAndData])(scene);
/** Any two programs that talk to each other. */
export const anyTwo: Sides = (scene) => (scene.random.chance(0.2) ? sessionAndClient : anyServers)(scene);

/** Probability that a cut is in one direction only. */
const ONE_WAY = 0.3;

/** Nothing passes between the sides, or in one direction only. */
export function cut(sides: Sides): Fault {
  return (scene) => {
    const { cluster, random } = scene;
    const pair = sides(scene);
    if (pair === undefined) return undefined;
    const [from, to] = random.chance(0.5) ? pair : [pair[1], pair[0]];
    const oneWay = random.chance(ONE_WAY);
    cluster.network.partition(from, to, { oneWay });
    return {
      words: `nothing passes from ${from.join()} to ${to.join()}${oneWay ? "" : " and back"}`,
      end: () => cluster.network.heal(from, to),
    };
  };
}

/** A cut that comes and goes. */
export function flap(sides: Sides): Fault {
  return (scene) => {
    const { cluster, random } = scene;
    const pair = sides(scene);
    if (pair === undefined) return undefined;
    const [from, to] = random.chance(0.5) ? pair : [pair[1], pair[0]];
    const oneWay = random.chance(ONE_WAY);
    const everyMs = random.between(50, 2_000);
    let isOver = false;
    const toggle = (blocked: boolean): void => {
      if (isOver) return;
      if (blocked) cluster.network.partition(from, to, { oneWay });
      else cluster.network.heal(from, to);
      cluster.clock.setTimer(everyMs * random.between(0.5, 1.5), () => toggle(!blocked));
    };
    toggle(true);
    return {
      words: `what goes from ${from.join()} to ${to.join()}${oneWay ? "" : " and back"} is cut every ${everyMs.toFixed(0)} ms`,
      end: () => {
        isOver = true;
        cluster.network.heal(from, to);
      },
    };
  };
}

/** Links between the sides are worse than others. */
export function spoil(sides: Sides, faultsOf: (random: SeededRandom) => Partial<LinkFaults>): Fault {
  return (scene) => {
    const { cluster, random } = scene;
    const pair = sides(scene);
    if (pair === undefined) return undefined;
    const faults = faultsOf(random);
    const set = (value: Partial<LinkFaults>): void => {
      for (const a of pair[0]) for (const b of pair[1]) cluster.network.setFaults({ between: [a, b] }, value);
    };
    set(faults);
    return { words: `links of ${pair[0].join()} with ${pair[1].join()} have ${inWords(faults)}`, end: () => set({}) };
  };
}

/**
 * Every link between the sides is reset, once. Not for clients on slow links: one that needs longer to come back than
 * the grace after a reset is gone for others, as it should be.
 */
export function reset(sides: Sides): Fault {
  return (scene) => {
    const pair = sides(scene);
    if (pair === undefined) return undefined;
    for (const a of pair[0]) for (const b of pair[1]) scene.cluster.network.reset(a, b);
    return { words: `links of ${pair[0].join()} with ${pair[1].join()} are reset`, end: () => {} };
  };
}

/** What the links suffer, in words. */
export function inWords(faults: Partial<LinkFaults>): string {
  return Object.entries(faults)
    .map(([name, value]) => `${name} ${value.toFixed(2)}`)
    .join(", ");
}
