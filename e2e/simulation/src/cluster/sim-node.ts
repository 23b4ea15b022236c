/**
 * A node of the simulated cluster: a name and an address that stay, and the lives of its process, one after the other.
 * Each life is a server made by its composition root, with a clock of its own. What is done to a node is what can be
 * done to a process and its machine, and only the present life notices.
 *
 *     up --pause, stall--> held up --resume--> up
 *     up, held up --crash--> down --restart--> up
 *     up --stop--> stopping --> down
 */

import { assert, type NodeRole } from "@rollcall/core";
import type { NodeServer } from "@rollcall/runtime";
import type { NodeClock, SimClock, SimNetwork } from "@rollcall/testing";

import type { SchemaFilter } from "./schema-filter.ts";
import type { SimPorts } from "./sim-ports.ts";

export type NodeState = "down" | "up" | "paused" | "stalled" | "stopping";

/** What a restart finds of what the process had written. */
export type Disk = "kept" | "lost";

export interface NodeLife<Server extends NodeServer = NodeServer> {
  readonly server: Server;
  readonly clock: NodeClock;
}

export interface SimNodeOptions<Server extends NodeServer> {
  readonly nodeId: string;
  readonly role: NodeRole;
  readonly address: string;
  readonly network: SimNetwork;
  /** The clock of the world, which goes on when the process does not. */
  readonly clock: SimClock;
  /** Ports for one life of the node, counted from 1. */
  readonly portsOf: (life: number) => SimPorts;
  readonly create: (ports: SimPorts, isAlive: () => boolean) => Server;
  readonly disk: SimDisk;
  /** What a node of the former version knows. When there is one, every node begins with it. */
  readonly former?: SchemaFilter | undefined;
}

/** What outlives the processes of a node. */
export interface SimDisk {
  crash(): void;
  lose(): void;
  setFull(full: boolean): void;
}

/** The disk of a node that keeps nothing. */
export const NO_DISK: SimDisk = { crash: () => {}, lose: () => {}, setFull: () => {} };

/** How long a process needs to end once its server has stopped, and to be started again after it failed to start. */
const END_MS = 100;
const SUPERVISOR_MS = 1_000;

export class SimNode<Server extends NodeServer = NodeServer> {
  readonly nodeId: string;
  readonly role: NodeRole;
  readonly address: string;
  readonly disk: SimDisk;
  /** Of the next life. */
  version: "former" | "this";
  readonly #options: SimNodeOptions<Server>;
  #life: NodeLife<Server> | undefined;
  #lives = 0;
  #state: NodeState = "down";

  constructor(options: SimNodeOptions<Server>) {
    this.nodeId = options.nodeId;
    this.role = options.role;
    this.address = options.address;
    this.disk = options.disk;
    this.version = options.former === undefined ? "this" : "former";
    this.#options = options;
  }

  get state(): NodeState {
    return this.#state;
  }

  /** The present life's name, `data-1#2`. */
  get lifeName(): string {
    return `${this.nodeId}#${this.#lives}`;
  }

  /** The server of the present life, or of the last one. */
  get server(): Server {
    assert(this.#life !== undefined, `${this.nodeId} was started`);
    return this.#life.server;
  }

  get isReady(): boolean {
    return this.#state === "up" && this.server.unready().length === 0;
  }

  /** A process is started on this node, with what is on its disk. */
  start(): void {
    assert(this.#state === "down", `${this.nodeId} is down before it is started, not ${this.#state}`);
    const { network, portsOf, create } = this.#options;
    const filter = this.version === "former" ? this.#options.former : undefined;
    const number = ++this.#lives;
    const ports = portsOf(number);
    const isAlive = (): boolean => this.#lives === number && this.#state !== "down";
    this.#state = "up";
    const server = create(filter === undefined ? ports : { ...ports, dialer: filter.dialer(ports.dialer) }, isAlive);
    this.#life = { server, clock: ports.clock };
    network.host(this.address, filter?.streams(server.streams) ?? server.streams);
    // A function of its own, so that a start that throws at once is the same as one that rejects.
    const started = (async () => server.start(this.address))();
    started.catch(() => this.#failedToStart(number));
  }

  restart({ disk }: { readonly disk: Disk }): void {
    if (disk === "lost") this.disk.lose();
    this.start();
  }

  /** kill -9. With `silent` the machine is gone as well, and others find out by its silence. */
  crash({ silent = false }: { readonly silent?: boolean | undefined } = {}): void {
    if (this.#state === "down") return;
    this.#state = "down";
    this.#clock.stop();
    this.disk.crash();
    this.#options.network.crash(this.address, { silent });
  }

  /** SIGTERM: the server says goodbye, then the process ends. */
  async stop(): Promise<void> {
    if (this.#state !== "up") return;
    const number = this.#lives;
    this.#state = "stopping";
    await this.server.stop();
    // Clients may have taken a while to leave, and the process may have ended in the meantime.
    if (this.#lives !== number || this.state !== "stopping") return;
    this.#options.network.unhost(this.address);
    this.#clock.setTimer(END_MS, () => {
      if (this.#lives === number) this.crash();
    });
  }

  /** SIGSTOP: it does nothing, and nothing answers for it. */
  pause(): void {
    if (this.#state !== "up") return;
    this.#state = "paused";
    this.#clock.pause();
    this.#options.network.freeze(this.address);
  }

  /** Its event loop is blocked: it does nothing, but its machine still answers for it. */
  stall(): void {
    if (this.#state !== "up") return;
    this.#state = "stalled";
    this.#clock.pause();
    this.#options.network.pause(this.address);
  }

  /** Ends a pause or a stall. */
  resume(): void {
    if (this.#state !== "paused" && this.#state !== "stalled") return;
    this.#state = "up";
    this.#clock.resume();
    this.#options.network.thaw(this.address);
    this.#options.network.resume(this.address);
  }

  /** Its clock is `ms` later all at once. */
  leap(ms: number): void {
    if (this.#state === "up") this.#clock.leap(ms);
  }

  get #clock(): NodeClock {
    assert(this.#life !== undefined, `${this.nodeId} was started`);
    return this.#life.clock;
  }

  /** The process ends, and whoever looks after it starts it again. */
  #failedToStart(number: number): void {
    if (this.#lives !== number || this.#state !== "up") return;
    this.crash();
    this.#options.clock.setTimer(SUPERVISOR_MS, () => {
      if (this.#lives === number && this.#state === "down") this.start();
    });
  }
}
