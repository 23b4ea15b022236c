/** Changes by the clock, and those who follow them, in processes of their own. */

import { Child } from "../child.ts";
import type { Registry, RegistryAddress } from "../registries/registry.ts";
import {
  shares,
  type Arrival,
  type FollowCommand,
  type FollowReport,
  type PublishCommand,
  type PublishReport,
} from "./words.ts";
import type { Audience } from "./registry-load.ts";

export interface Publisher extends AsyncDisposable {
  publish(command: PublishCommand): Promise<PublishReport>;
}

export interface Publishing {
  readonly services: number;
  /** The number of the first of them: 0 by default. */
  readonly first?: number;
  /** When a change that is not answered has failed, with clients that wait for ever. */
  readonly answerMs?: number;
}

/** Resolves when there is an instance of each service. */
export async function startPublisher(
  { kind, address }: RegistryAddress,
  { services, first = 0, answerMs }: Publishing,
): Promise<Publisher> {
  const numbers = answerMs === undefined ? [first, services] : [first, services, answerMs];
  const child = new Child("load/publisher", [kind, address, ...numbers.map(String)]);
  await child.line();
  return {
    publish: (command) => child.asking<PublishReport>(command),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

export class Followers implements AsyncDisposable {
  readonly #children: readonly Child[];

  private constructor(
    { kind, address }: Registry,
    { clients, services, each, first = 0 }: Audience,
    processes: number,
  ) {
    this.#children = shares(clients, processes).map((share) => {
      const numbers = [share.count, first + share.first, services, each].map(String);
      return new Child("load/follower", [kind, address, ...numbers]);
    });
  }

  /** Resolves when all of them follow what they are to follow. */
  static async start(registry: Registry, audience: Audience, processes: number): Promise<Followers> {
    const followers = new Followers(registry, audience, processes);
    await Promise.all(followers.#children.map((child) => child.line()));
    return followers;
  }

  /** What they have seen since this was asked last, all of them together; the quantiles are those of the worst process. */
  async see(command: FollowCommand): Promise<FollowReport> {
    const reports = await Promise.all(this.#children.map((child) => child.asking<FollowReport>(command)));
    const sum = (field: "seen" | "lost" | "duplicated"): number =>
      reports.reduce((total, report) => total + report[field], 0);
    const most = (field: "p50Ms" | "p99Ms" | "maxMs"): number => Math.max(...reports.map((report) => report[field]));
    const arrivals: readonly Arrival[] = reports.flatMap((report) => report.arrivals);
    return {
      p50Ms: most("p50Ms"),
      p99Ms: most("p99Ms"),
      maxMs: most("maxMs"),
      seen: sum("seen"),
      lost: sum("lost"),
      duplicated: sum("duplicated"),
      arrivals,
    };
  }

  /** They stand still, or go on: their connections stay. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    for (const { process } of this.#children) process.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGCONT");
    await Promise.all(this.#children.map((child) => child[Symbol.asyncDispose]()));
  }
}
