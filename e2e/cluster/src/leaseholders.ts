/** Instances that are registered by plain calls and renewed, until it is left off. */

import { createClient, type Client } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { RegistryService } from "@rollcall/protocol";

import { elapse } from "./until.ts";

export class Leaseholders {
  readonly #rpc: Client<typeof RegistryService>;
  readonly #service: string;
  readonly #leaseMs: number;
  readonly #renewed = new Set<string>();
  /** Renewals that were answered with anything but success. */
  readonly refused: string[] = [];
  #renewing: Promise<void> | undefined;
  #isStopped = false;

  /** @param address of the session that is called */
  constructor(address: string, service: string, leaseMs: number) {
    this.#rpc = createClient(
      RegistryService,
      createConnectTransport({ baseUrl: `http://${address}`, httpVersion: "2" }),
    );
    this.#service = service;
    this.#leaseMs = leaseMs;
  }

  async register(ids: readonly string[]): Promise<void> {
    const key = { service: this.#service };
    for (const id of ids) this.#renewed.add(id);
    await Promise.all(
      ids.map((id) => this.#rpc.register({ key, instance: { id, address: "10.0.0.1:80" }, leaseMs: this.#leaseMs })),
    );
    this.#renewing ??= this.#renewAll();
  }

  async unregister(id: string): Promise<void> {
    this.#renewed.delete(id);
    await this.#rpc.unregister({ key: { service: this.#service }, instanceId: id });
  }

  /** Their renewals do not arrive any more. */
  lose(ids: readonly string[]): void {
    for (const id of ids) this.#renewed.delete(id);
  }

  /** They arrive again. */
  regain(ids: readonly string[]): void {
    for (const id of ids) this.#renewed.add(id);
  }

  /** Takes all of them out: that many which only fell silent would be held by the guard, and others with them. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#renewing;
    await Promise.all([...this.#renewed].map((id) => this.unregister(id)));
  }

  async #renewAll(): Promise<void> {
    const key = { service: this.#service };
    while (!this.#isStopped) {
      const renewals = [...this.#renewed].map((instanceId) => this.#rpc.renew({ key, instanceId }));
      for (const result of await Promise.allSettled(renewals))
        if (result.status === "rejected") this.refused.push(String(result.reason));
      await elapse(this.#leaseMs / 4);
    }
  }
}
