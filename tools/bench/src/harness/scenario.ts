/** What a benchmark is made of: scenarios, in which one registry or several are given the same work in turn. */

import type { Server } from "./usage.ts";

/** One figure of one repeat. */
export interface Metric {
  readonly name: string;
  readonly unit: string;
  readonly better: "less" | "more";
  readonly value: number;
}

/** What must not happen while something is measured. */
export interface Faults {
  readonly errors: number;
  /** Changes that a subscriber did not come to see. */
  readonly lost: number;
  /** Pushes that brought a subscriber what it had, or something older. */
  readonly duplicated: number;
}

/** What one repeat has given. */
export interface Measured {
  readonly metrics: readonly Metric[];
  readonly faults: Faults;
  readonly usage: readonly RoleUsage[];
  readonly timeline?: Timeline | undefined;
}

/** What subscribers were called back with, from before to after something was done at 0. */
export type Timeline = readonly {
  readonly ms: number;
  /** Callbacks in this while, of services that are concerned, and of the others. */
  readonly concerned: number;
  readonly others: number;
}[];

/** What the servers of one role used while it was measured, all of them together. */
export interface RoleUsage {
  readonly role: string;
  readonly cpuSeconds: number;
  readonly residentMib: number;
  /** At p99, of the one that was latest; of those that tell it. */
  readonly loopDelayMs?: number | undefined;
}

/** One of those that are measured side by side. */
export interface Subject {
  readonly name: string;
  /** Starts what is to be measured, and those who put load on it, in processes of their own. */
  start(scale: Scale): Promise<Trial>;
}

/** `smoke`: sizes that only show that everything works. */
export type Scale = "full" | "smoke";

/** How much is done: clients, services, seconds. */
export type Sizes = Readonly<Record<string, number>>;

export interface Trial extends AsyncDisposable {
  readonly servers: readonly Server[];
  repeat(): Promise<Measured>;
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** What is done and what is measured, for people who read the results. */
  readonly about: string;
  /** How long all repeats take at full size, about, in seconds. */
  readonly seconds: number;
  /** Each is started when the one before has ended, because all of them together would be too much for the machine. */
  readonly apart?: boolean;
  /** Repeats that are made first and not counted, for what is compiled and grows while it runs: 1 by default. */
  readonly warmUps?: number;
  readonly repeatsMax?: number;
  /** How long one repeat takes by its sizes, in milliseconds, where that is long. */
  readonly repeatMs?: number;
  /** False where the smoke run of another scenario shows all that this one's would. */
  readonly smokes?: boolean;
  /** What `--size` can change, at full size. */
  readonly sizes?: Sizes;
  /** The same scenario with some other sizes. */
  readonly resized?: (sizes: Sizes) => Scenario;
  readonly subjects: readonly Subject[];
}

export const NO_FAULTS: Faults = { errors: 0, lost: 0, duplicated: 0 };
