/**
 * Whoever makes things go wrong. All faults of a run are planned from the seed before it begins, each with a number and
 * randomness of its own, so that a run without one of them is otherwise the same: that is how a failure is made smaller.
 */

import type { NodeRole } from "@rollcall/core";
import type { HistoryRecorder, SeededRandom } from "@rollcall/testing";

import type { SimCluster } from "./cluster/sim-cluster.ts";
import type { Begun, Chance, FaultProfile } from "./faults/fault.ts";
import { inWords } from "./faults/network-faults.ts";

interface PlannedFault {
  readonly number: number;
  readonly atMs: number;
  readonly lastsMs: number;
  readonly chance: Chance;
}

/** Virtual time for which faults are planned, in milliseconds: no run takes longer. */
const PLAN_MS = 600_000;

export interface NemesisOptions {
  readonly cluster: SimCluster;
  readonly history: HistoryRecorder;
  readonly profile: FaultProfile;
  /** Labels of faults that are left out. */
  readonly without: ReadonlySet<string>;
  /** Called with the label of each fault that begins. */
  readonly began: (label: string) => void;
}

export class Nemesis {
  readonly #options: NemesisOptions;
  readonly #random: SeededRandom;
  readonly #clients: string[] = [];
  readonly #going = new Map<number, Begun>();
  #ended = false;

  constructor(options: NemesisOptions) {
    this.#options = options;
    this.#random = options.cluster.random.fork("nemesis");
  }

  knows(client: string): void {
    this.#clients.push(client);
  }

  begin(): void {
    const { cluster, profile, without } = this.#options;
    const links = profile.links?.(this.#random.fork("links"));
    if (links !== undefined && !without.has("links")) {
      cluster.network.setFaults("all", links);
      this.#options.began("links");
      this.#note("links", `all links have ${inWords(links)}`);
    }
    for (const fault of this.#plan()) {
      if (without.has(labelOf(fault.number))) continue;
      cluster.clock.setTimer(fault.atMs, () => this.#begin(fault));
    }
  }

  /** Heals, resumes and starts again whatever suffers, for good. */
  end(): void {
    this.#ended = true;
    for (const number of Array.from(this.#going.keys())) this.#end(number);
    this.#options.cluster.network.calm();
  }

  #plan(): PlannedFault[] {
    const { everyMs, chances } = this.#options.profile;
    const random = this.#random.fork("plan");
    const plan: PlannedFault[] = [];
    if (chances.length === 0) return plan;
    for (let atMs = random.between(...everyMs); atMs < PLAN_MS; atMs += random.between(...everyMs)) {
      const chance = pickByWeight(chances, random);
      plan.push({ number: plan.length + 1, atMs, lastsMs: random.between(...chance.lastsMs), chance });
    }
    return plan;
  }

  #begin({ number, lastsMs, chance }: PlannedFault): void {
    if (this.#ended) return;
    const { cluster, history, profile } = this.#options;
    const begun = chance.fault({
      cluster,
      history,
      clients: this.#clients,
      random: this.#random.fork(labelOf(number)),
      downMax: (role: NodeRole) => profile.downMax?.[role] ?? 1,
    });
    if (begun === undefined) return;
    this.#going.set(number, begun);
    this.#options.began(labelOf(number));
    this.#note(labelOf(number), `${begun.words}, for ${lastsMs.toFixed(0)} ms`);
    cluster.clock.setTimer(lastsMs, () => this.#end(number));
  }

  #end(number: number): void {
    const begun = this.#going.get(number);
    if (begun === undefined) return;
    this.#going.delete(number);
    begun.end();
    this.#note(labelOf(number), "is over");
  }

  #note(label: string, words: string): void {
    this.#options.history.record({ kind: "fault", what: `${label}: ${words}` });
  }
}

function labelOf(number: number): string {
  return `fault ${number}`;
}

function pickByWeight(chances: readonly Chance[], random: SeededRandom): Chance {
  let left = random.next() * chances.reduce((sum, { weight }) => sum + weight, 0);
  return chances.find(({ weight }) => (left -= weight) < 0) ?? chances.at(-1)!;
}
