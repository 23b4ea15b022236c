// A program that is worth testing: it takes the instances of a service in turn. It is given its client, so that a test can
// give it another one.

import type { Client, Instance } from "@rollcall/sdk";

export class Rotation {
  readonly #stop: () => void;
  #instances: readonly Instance[] = [];
  #next = 0;

  constructor(client: Client, service: string) {
    const subscription = client.subscribe(service);
    subscription.onChange(({ instances }) => {
      this.#instances = instances.filter(({ weight, enabled }) => enabled && weight > 0);
    });
    this.#stop = () => subscription.close();
  }

  /** The address that is next; undefined when there is none. */
  next(): string | undefined {
    if (this.#instances.length === 0) return undefined;
    return this.#instances[this.#next++ % this.#instances.length]?.address;
  }

  close(): void {
    this.#stop();
  }
}
