/**
 * A real etcd cluster on loopback: one member or several, each a process with a folder of its own. What is done to them
 * is what can be done to a process.
 */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { installedEtcd } from "./installed.ts";

export interface EtcdMember {
  readonly name: string;
  /** `host:port` for clients. */
  readonly address: string;
}

interface RunningMember extends EtcdMember {
  readonly peerUrl: string;
  readonly folder: string;
  process: ChildProcess | undefined;
}

export interface EtcdClusterOptions {
  /** Default 1. */
  readonly members?: number | undefined;
  /** Where the members keep their data; a temporary folder by default. */
  readonly folder?: string | undefined;
}

/** How long a cluster may take until it answers, in milliseconds. */
const READY_MS = 30_000;

const LOOK_EVERY_MS = 50;

export class EtcdCluster implements AsyncDisposable {
  readonly #folder: string;
  readonly #members: RunningMember[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Resolves when the cluster has a leader and answers. */
  static async start({ members = 1, folder }: EtcdClusterOptions = {}): Promise<EtcdCluster> {
    const etcd = installedEtcd();
    const cluster = new EtcdCluster(await mkdtemp(join(folder ?? tmpdir(), "rollcall-etcd-")));
    const ports = await freePorts(2 * members);
    for (let index = 0; index < members; index++) {
      const name = `etcd-${index + 1}`;
      cluster.#members.push({
        name,
        address: `127.0.0.1:${ports[2 * index]!}`,
        peerUrl: `http://127.0.0.1:${ports[2 * index + 1]!}`,
        folder: join(cluster.#folder, name),
        process: undefined,
      });
    }
    for (const member of cluster.#members) cluster.#spawn(etcd, member);
    try {
      await cluster.ready();
    } catch (thrown) {
      await cluster[Symbol.asyncDispose]();
      throw thrown;
    }
    return cluster;
  }

  get members(): readonly EtcdMember[] {
    return this.#members;
  }

  /** Of a member that runs. */
  pidOf(member: EtcdMember): number {
    return this.#running(member).process!.pid!;
  }

  /** As `rollcall meta --store` takes it. */
  get url(): string {
    return `etcd://${this.#members.map(({ address }) => address).join(",")}`;
  }

  /** The member that leads the others. */
  async leader(): Promise<EtcdMember> {
    for (const member of this.#members) {
      const status = await statusOf(member).catch(() => undefined);
      if (status !== undefined && status.leader === status.header.member_id) return member;
    }
    throw new Error("no member of etcd leads");
  }

  /** `kill -9`. */
  async kill(member: EtcdMember): Promise<void> {
    const running = this.#running(member);
    running.process?.kill("SIGKILL");
    if (running.process?.exitCode === null) await once(running.process, "exit");
    running.process = undefined;
  }

  /** Starts a member again that was killed, on what it had. */
  restart(member: EtcdMember): void {
    this.#spawn(installedEtcd(), this.#running(member));
  }

  /** It stands still: it answers nothing, but its connections stay. */
  freeze(member: EtcdMember): void {
    this.#running(member).process?.kill("SIGSTOP");
  }

  thaw(member: EtcdMember): void {
    this.#running(member).process?.kill("SIGCONT");
  }

  /** Resolves when every member that runs answers and knows a leader. */
  async ready(): Promise<void> {
    const deadline = performance.now() + READY_MS;
    for (const member of this.#members) {
      if (member.process === undefined) continue;
      while (!(await knowsLeader(member))) {
        if (performance.now() > deadline) throw new Error(`${member.name} does not answer within ${READY_MS} ms`);
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#members.map((member) => this.kill(member)));
    await rm(this.#folder, { recursive: true, force: true });
  }

  #running({ name }: EtcdMember): RunningMember {
    return this.#members.find((member) => member.name === name)!;
  }

  #spawn(etcd: string, member: RunningMember): void {
    const { name, address, peerUrl, folder } = member;
    const url = `http://${address}`;
    const all = this.#members.map((other) => `${other.name}=${other.peerUrl}`).join(",");
    const settings = {
      name,
      "data-dir": folder,
      "listen-client-urls": url,
      "advertise-client-urls": url,
      "listen-peer-urls": peerUrl,
      "initial-advertise-peer-urls": peerUrl,
      "initial-cluster": all,
      "initial-cluster-token": this.#folder,
      logger: "zap",
      "log-level": "error",
    };
    const args = Object.entries(settings).map(([key, value]) => `--${key}=${value}`);
    member.process = spawn(etcd, args, { stdio: "ignore" });
  }
}

interface Status {
  readonly header: { readonly member_id: string };
  readonly leader?: string;
}

async function statusOf({ address }: EtcdMember): Promise<Status> {
  const url = `http://${address}/v3/maintenance/status`;
  const response = await fetch(url, { method: "POST", body: "{}", signal: AbortSignal.timeout(1_000) });
  return (await response.json()) as Status;
}

async function knowsLeader(member: EtcdMember): Promise<boolean> {
  try {
    return ((await statusOf(member)).leader ?? "0") !== "0";
  } catch {
    return false;
  }
}

/** Ports that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
