/**
 * A network on this machine that can be cut. Each host is a network namespace with an address of its own; all of them,
 * and this process, hang on a router that is a namespace as well. A cut is a rule of the router's that drops what one
 * address sends to another: silently, one way at a time, and for connections that are up as well as for new ones.
 *
 *     host data-1 ---\
 *     host data-2 ----- router ---- this process
 *     host meta-1 ---/
 *
 * It takes Linux, its `ip` command and the right to use it (root).
 */

import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";

/** Someone in the network: an address, and what runs a program there. */
export interface Host {
  readonly address: string;
  readonly runner: readonly string[];
}

const run = promisify(execFile);

/** Names of network devices have 15 characters at most. */
const DEVICE_PREFIX = "rcv";

export class RealNetwork implements AsyncDisposable {
  /** Told apart from other networks on the machine. */
  readonly #name: string;
  readonly #net: string;
  readonly #hosts = new Map<string, Host>();
  readonly #cuts = new Set<string>();
  readonly #abandon = (): void => {
    for (const namespace of this.#namespaces()) execFileSync("ip", ["netns", "del", namespace], { stdio: "ignore" });
  };

  private constructor(subnet: number) {
    this.#name = `rollcall-${process.pid}-${subnet}`;
    this.#net = `10.213.${subnet}`;
    process.once("exit", this.#abandon);
  }

  /** Why there can be no such network here; undefined when there can. */
  static async impossible(): Promise<string | undefined> {
    try {
      await using _network = await RealNetwork.create();
      return undefined;
    } catch (thrown) {
      return thrown instanceof Error ? thrown.message : String(thrown);
    }
  }

  static async create(): Promise<RealNetwork> {
    const { stdout } = await run("ip", ["route"]);
    const free = Array.from({ length: 250 }, (_, index) => (process.pid + index) % 250).find(
      (subnet) => !stdout.includes(`10.213.${subnet}.`),
    );
    if (free === undefined) throw new Error("no free network in 10.213.0.0/16");
    const network = new RealNetwork(free);
    try {
      await network.#makeRouter();
    } catch (thrown) {
      await network[Symbol.asyncDispose]();
      throw thrown;
    }
    return network;
  }

  /** The address of this process. */
  get outside(): string {
    return `${this.#net}.254`;
  }

  /** The host of this name; made when it is new. */
  async host(name: string): Promise<Host> {
    const known = this.#hosts.get(name);
    if (known !== undefined) return known;
    const number = this.#hosts.size + 2;
    const namespace = `${this.#name}-${name}`;
    const host: Host = { address: `${this.#net}.${number}`, runner: ["ip", "netns", "exec", namespace] };
    this.#hosts.set(name, host);
    const ours = `${DEVICE_PREFIX}${number}`;
    await run("ip", ["netns", "add", namespace]);
    await this.#inRouter("link", "add", ours, "type", "veth", "peer", "name", "eth0", "netns", namespace);
    const inHost = (...command: readonly string[]): Promise<unknown> => run("ip", ["-n", namespace, ...command]);
    await inHost("addr", "add", `${host.address}/32`, "dev", "eth0");
    await inHost("link", "set", "lo", "up");
    await inHost("link", "set", "eth0", "up");
    await this.#connect(ours, host.address);
    await inHost("route", "add", this.#gateway, "dev", "eth0");
    await inHost("route", "add", "default", "via", this.#gateway);
    return host;
  }

  /** From now on nothing that the host sends to the others arrives. */
  async cutOneWay(from: string, ...others: readonly string[]): Promise<void> {
    await Promise.all(others.map((to) => this.#cut(from, to)));
  }

  /** From now on the host and the others hear nothing of each other. */
  async cut(one: string, ...others: readonly string[]): Promise<void> {
    await Promise.all(others.flatMap((other) => [this.#cut(one, other), this.#cut(other, one)]));
  }

  /** Ends every cut. */
  async heal(): Promise<void> {
    const cuts = [...this.#cuts];
    this.#cuts.clear();
    await Promise.all(cuts.map((cut) => this.#inRouter("rule", "del", ...cut.split(" "))));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off("exit", this.#abandon);
    // A namespace takes its devices along, and those at the other end of them.
    for (const namespace of this.#namespaces()) await run("ip", ["netns", "del", namespace]).catch(() => {});
  }

  async #cut(from: string, to: string): Promise<void> {
    const cut = `from ${this.#addressOf(from)} to ${this.#addressOf(to)} blackhole`;
    if (this.#cuts.has(cut)) return;
    this.#cuts.add(cut);
    await this.#inRouter("rule", "add", ...cut.split(" "));
  }

  get #router(): string {
    return `${this.#name}-router`;
  }

  /** The router's own address. */
  get #gateway(): string {
    return `${this.#net}.1`;
  }

  get #uplink(): string {
    return `${DEVICE_PREFIX}${this.#net.split(".").at(-1)}x`;
  }

  async #makeRouter(): Promise<void> {
    await run("ip", ["netns", "add", this.#router]);
    await run("ip", ["netns", "exec", this.#router, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
    await this.#inRouter("link", "set", "lo", "up");
    await this.#inRouter("addr", "add", `${this.#gateway}/32`, "dev", "lo");
    const here = String(process.pid);
    await this.#inRouter("link", "add", "outside", "type", "veth", "peer", "name", this.#uplink, "netns", here);
    await run("ip", ["addr", "add", `${this.outside}/32`, "dev", this.#uplink]);
    await run("ip", ["link", "set", this.#uplink, "up"]);
    await this.#connect("outside", this.outside);
    await run("ip", ["route", "add", this.#gateway, "dev", this.#uplink, "src", this.outside]);
    const toAll = ["via", this.#gateway, "dev", this.#uplink, "src", this.outside];
    await run("ip", ["route", "add", `${this.#net}.0/24`, ...toAll]);
  }

  /** Lets the router know who is at the other end of a device. */
  async #connect(device: string, address: string): Promise<void> {
    await this.#inRouter("link", "set", device, "up");
    await this.#inRouter("route", "add", `${address}/32`, "dev", device, "src", this.#gateway);
  }

  #inRouter(...command: readonly string[]): Promise<unknown> {
    return run("ip", ["-n", this.#router, ...command]);
  }

  #addressOf(name: string): string {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new Error(`no host in the network is called ${name}`);
    return host.address;
  }

  #namespaces(): string[] {
    return [...[...this.#hosts.keys()].map((name) => `${this.#name}-${name}`), this.#router];
  }
}
