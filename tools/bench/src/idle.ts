/**
 * What the servers of a cluster say to each other while nobody uses it: every link between two of them goes through a proxy
 * that counts.
 *
 *     node --conditions=@rollcall/source tools/bench/src/idle.ts [--sessions 3] [--data 3] [--metas 3] [--seconds 60]
 *         [--services 300]
 *
 * Services are registered by one client before the count begins, because what is compared in the background is what there
 * is. Several metas share an etcd of three members. From what was counted the same is computed for 30 sessions, 10 data
 * nodes and 3 metas.
 */

import { join } from "node:path";
import { setTimeout as elapse } from "node:timers/promises";
import { parseArgs } from "node:util";

import { EtcdCluster } from "@rollcall/etcd";
import { createClient } from "@rollcall/sdk";

import { CountingProxy, PING, type Count } from "./counting-proxy.ts";
import { less, tellFigures } from "./harness/figures.ts";
import { makeOwnFolder } from "./harness/own-folder.ts";
import { NO_FAULTS, type RoleUsage } from "./harness/scenario.ts";
import { usageWhile } from "./harness/usage.ts";
import { startProcess, type NodeProcess } from "./node-process.ts";

const { values } = parseArgs({
  options: {
    sessions: { type: "string", default: "3" },
    data: { type: "string", default: "3" },
    metas: { type: "string", default: "3" },
    seconds: { type: "string", default: "60" },
    services: { type: "string", default: "300" },
  },
});
const [sessions, data, metas] = [Number(values.sessions), Number(values.data), Number(values.metas)];
const seconds = Number(values.seconds);

/** Long enough for slots to be even, followers to be in step, and what was registered to be compared once. */
const SETTLE_MS = 20_000;

const LARGE = { sessions: 30, data: 10, metas: 3 };

/** A kind of link, and how many there are of it. */
interface Link {
  readonly name: string;
  readonly matches: (role: string, path: string) => boolean;
  readonly count: (shape: typeof LARGE) => number;
}

const LINKS: readonly Link[] = [
  {
    name: "nodes to meta: heartbeats, state",
    matches: (_, path) => path.endsWith("/Join"),
    count: ({ sessions: s, data: d }) => s + d,
  },
  {
    name: "sessions to data nodes",
    matches: (_, path) => path.endsWith("/Link"),
    count: ({ sessions: s, data: d }) => s * d,
  },
  {
    name: "data nodes to data nodes",
    matches: (_, path) => path.endsWith("/Replicate"),
    count: ({ data: d }) => d * (d - 1),
  },
  { name: "metas to etcd", matches: (role, path) => role === "etcd" && path !== PING, count: ({ metas: m }) => m },
];

const folder = await makeOwnFolder("disk", "idle");
const proxies: { readonly role: string; readonly proxy: CountingProxy }[] = [];
const processes: (NodeProcess & { readonly role: string })[] = [];
const etcd = metas > 1 ? await EtcdCluster.start({ members: 3 }) : undefined;
try {
  const openProxy = async (role: string): Promise<CountingProxy> => {
    const proxy = await CountingProxy.open();
    proxies.push({ role, proxy });
    return proxy;
  };
  const start = async (role: "meta" | "data" | "session", number: number, args: readonly string[]) => {
    const proxy = await openProxy(role);
    const nodeId = `${role}-${number}`;
    const node = await startProcess(role, join(folder.path, nodeId), [
      "--node-id",
      nodeId,
      "--advertise",
      proxy.address,
      ...args,
    ]);
    processes.push({ ...node, role });
    proxy.leadTo(node.listening);
    return proxy.address;
  };
  const store: string[] = [];
  for (const { address } of etcd?.members ?? []) {
    const proxy = await openProxy("etcd");
    proxy.leadTo(address);
    store.push(proxy.address);
  }
  const metaAddresses: string[] = [];
  for (let number = 1; number <= metas; number++)
    metaAddresses.push(await start("meta", number, store.length > 0 ? ["--store", `etcd://${store.join(",")}`] : []));
  const joining = ["--meta", metaAddresses.join(",")];
  for (let number = 1; number <= data; number++) await start("data", number, joining);
  const servers: string[] = [];
  for (let number = 1; number <= sessions; number++) servers.push(await start("session", number, joining));

  const client = createClient({ servers });
  const services = Array.from({ length: Number(values.services) }, (_, number) => `idle-${number}`);
  await Promise.all(services.map((service) => client.register({ service, address: "127.0.0.1:8080" })));
  await elapse(SETTLE_MS);
  for (const { proxy } of proxies) proxy.reset();
  const nodes = processes.map(({ role, listening, process: { pid } }) => ({ role, pid: pid!, metricsAt: listening }));
  const { usage } = await usageWhile(nodes, () => elapse(seconds * 1_000));
  report(usage);
  await client.close();
} finally {
  for (const { process: child } of processes.toReversed()) child.kill("SIGKILL");
  for (const { proxy } of proxies) proxy.close();
  await etcd?.[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
}

function report(usage: readonly RoleUsage[]): void {
  const shape = { sessions, data, metas };
  const counted = proxies.flatMap(({ role, proxy }) => {
    return [...proxy.counts].map(([path, count]) => ({ role, path, count }));
  });
  const pings = sumOf(
    counted.filter(({ role, path }) => role !== "etcd" && path === PING).map(({ count }) => count),
  ).requests;
  const rows = LINKS.map(({ name, matches, count }) => {
    const sum = sumOf(counted.filter(({ role, path }) => matches(role, path)).map((each) => each.count));
    // A message or a call each way is one request and its answer.
    const perSecond = Math.max(sum.messagesUp, sum.messagesDown, sum.requests) / seconds;
    const links = count(shape);
    return { name, links, perSecond, sum, large: links === 0 ? 0 : (perSecond / links) * count(LARGE) };
  });
  const line = (cells: readonly (string | number)[]): string =>
    cells.map((cell, at) => (at === 0 ? String(cell).padEnd(34) : String(cell).padStart(11))).join("");
  const total = (of: (row: (typeof rows)[number]) => number): number => rows.reduce((all, row) => all + of(row), 0);
  const lines = [
    `${sessions} sessions, ${data} data nodes, ${metas} metas, ${values.services} services, ${seconds} s idle`,
    line(["", "links", "up/s", "down/s", "requests/s", "bytes/s", "at 30/10/3"]),
    ...rows.map(({ name, links, perSecond, sum, large }) => {
      const each = [sum.messagesUp / seconds, sum.messagesDown / seconds, perSecond].map((rate) => rate.toFixed(2));
      return line([name, links, ...each, Math.round(sum.bytes / seconds), large.toFixed(1)]);
    }),
    line([
      "all",
      "",
      "",
      "",
      total((row) => row.perSecond).toFixed(2),
      Math.round(total((row) => row.sum.bytes) / seconds),
      total((row) => row.large).toFixed(1),
    ]),
    `and of HTTP/2, 17 bytes each: ${(pings / seconds).toFixed(2)} PINGs a second among nodes`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  tellFigures({
    metrics: [
      ...rows.map(({ name, perSecond }) => less(name, "1/s", perSecond)),
      less(
        "of all links",
        "1/s",
        total((row) => row.perSecond),
      ),
      less("bytes of all links", "1/s", total((row) => row.sum.bytes) / seconds),
      less(
        `computed for ${LARGE.sessions} sessions, ${LARGE.data} data nodes and ${LARGE.metas} metas`,
        "1/s",
        total((row) => row.large),
      ),
      less("PINGs of HTTP/2 among nodes", "1/s", pings / seconds),
    ],
    faults: NO_FAULTS,
    usage,
  });
  for (const { role, path, count } of counted.filter(({ role: of }) => of === "etcd"))
    process.stdout.write(`  ${role} ${path}: ${JSON.stringify(count)}\n`);
}

function sumOf(counts: readonly Count[]): Count {
  const sum = { requests: 0, messagesUp: 0, messagesDown: 0, bytes: 0 };
  for (const { requests, messagesUp, messagesDown, bytes } of counts) {
    sum.requests += requests;
    sum.messagesUp += messagesUp;
    sum.messagesDown += messagesDown;
    sum.bytes += bytes;
  }
  return sum;
}
