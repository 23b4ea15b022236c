/**
 * What has a script of its own, which can be run with other sizes by itself. One repeat is one run of it, with servers of its
 * own: it takes long, so there is no warm-up, and there are few.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { atExit } from "../harness/at-exit.ts";
import type { Figures } from "../harness/figures.ts";
import type { Measured, Scenario } from "../harness/scenario.ts";

interface Script {
  /** The script beside this folder. */
  readonly script: string;
  readonly args: readonly string[];
  readonly smokeArgs: readonly string[];
  /** What it is run with in turn, and how that is called: once and as `rollcall` by default. */
  readonly each?: Readonly<Record<string, readonly string[]>>;
}

export const reconnectScenario = scriptScenario(
  {
    name: "reconnect",
    title: "Everybody comes back at once",
    about:
      "2,000 clients, each with 3 registrations and 5 subscriptions. One of two sessions is killed; then both are, and started " +
      "again. A client is back when a session has answered all that it asked for.",
    seconds: 50,
    repeatsMax: 1,
    smokes: false,
  },
  { script: "reconnect", args: ["--rest-ms", "4000"], smokeArgs: [] },
);

export const memoryScenario = scriptScenario(
  {
    name: "memory",
    title: "What instances take",
    about:
      "100,000 or 300,000 instances of 200 B in 3,000 services, registered over 30 streams; nobody subscribes. Resident memory beyond that " +
      "of idle nodes, with the engine's defaults. Then 1,000 clients connect and ask for nothing; 1,000 more subscribe to 5 services each, " +
      "whose lists the session begins to keep; and 1,000 more subscribe to the same. Last a restart of the data node from its warm copy. " +
      "What the servers used is that of registering.",
    seconds: 150,
    repeatsMax: 1,
    smokes: false,
  },
  {
    script: "memory",
    args: ["--rest-ms", "4000"],
    smokeArgs: [],
    each: { "100,000": ["--instances", "100000"], "300,000": ["--instances", "300000"] },
  },
);

export const clientsScenario = scriptScenario(
  {
    name: "clients",
    title: "What connected clients take",
    about:
      "1,000 clients rest: without a subscription, and with 5 of a service with one instance each, of which they hold the lists. " +
      "A fifth of the difference is what a subscription takes.",
    seconds: 60,
    repeatsMax: 1,
    smokes: false,
  },
  {
    script: "clients",
    args: ["--clients", "1000", "--rest-ms", "4000"],
    smokeArgs: [],
    each: { "no subscription": ["--subscriptions", "0"], "5 subscriptions": ["--subscriptions", "5"] },
  },
);

export const idleScenario = scriptScenario(
  {
    name: "idle",
    title: "What servers say to each other while nobody uses them",
    about:
      "3 sessions, 3 data nodes and 3 metas with an etcd of 3 members; one client has registered 300 services. All links between servers " +
      "lead through proxies that count messages for 60 s: each way counts, and the larger of both is told. The rates for more nodes are computed by " +
      "the number of links of each kind.",
    seconds: 90,
    repeatsMax: 1,
    smokes: false,
  },
  { script: "idle", args: [], smokeArgs: [] },
);

export const deltaScenario = scriptScenario(
  {
    name: "delta",
    title: "One change in a large service",
    about:
      "A service of 1,000, 5,000 or 10,000 instances, of which one changes 200 times, each time when 5 subscribers have been " +
      "called back with the change before.",
    seconds: 100,
    repeatsMax: 2,
  },
  {
    script: "delta",
    args: [],
    smokeArgs: ["--instances", "50", "--changes", "5", "--subscribers", "2"],
    each: {
      "1,000": ["--instances", "1000"],
      "5,000": ["--instances", "5000"],
      "10,000": ["--instances", "10000"],
    },
  },
);

export const slowScenario = scriptScenario(
  {
    name: "slow",
    title: "One hundred subscribers that stop reading",
    about:
      "A change each 5 ms to one subscriber that reads, with nobody beside it, with 100 others that read, and with 100 whose " +
      "process stands still.",
    seconds: 30,
    repeatsMax: 1,
    smokes: false,
  },
  { script: "slow", args: ["--rounds", "2", "--changes", "500"], smokeArgs: [] },
);

function scriptScenario(
  about: Omit<Scenario, "subjects">,
  { script, args, smokeArgs, each = { rollcall: [] } }: Script,
): Scenario {
  // At the size of a smoke test all of them are the same.
  let smoke: Promise<Measured> | undefined;
  return {
    ...about,
    warmUps: 0,
    subjects: Object.entries(each).map(([name, own]) => ({
      name,
      start: (scale) =>
        Promise.resolve({
          servers: [],
          repeat: () => (scale === "full" ? run(script, [...args, ...own]) : (smoke ??= run(script, smokeArgs))),
          [Symbol.asyncDispose]: () => Promise.resolve(),
        }),
    })),
  };
}

async function run(script: string, args: readonly string[]): Promise<Measured> {
  const path = fileURLToPath(new URL(`../${script}.ts`, import.meta.url));
  const child = spawn(process.execPath, ["--conditions=@rollcall/source", path, ...args], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  child.once(
    "exit",
    atExit(() => child.kill("SIGTERM")),
  );
  let figures: Figures | undefined;
  child.on("message", (told) => (figures = told as Figures));
  await once(child, "exit");
  if (figures === undefined || child.exitCode !== 0) throw new Error(`${script} ended with ${String(child.exitCode)}`);
  return { ...figures, usage: figures.usage ?? [] };
}
