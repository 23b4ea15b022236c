/** RegistryService.Watch: snapshots of one service for clients without a Connect stream. */

import { RegistryError, checkFilter, serviceKey, type MessageStream, type StreamHandler } from "@rollcall/core";
import { watchRequestFromBytes } from "@rollcall/protocol";

import { Watcher, type WatcherPorts } from "../connections/watcher.ts";

export class WatchLinks {
  readonly #ports: Omit<WatcherPorts, "stream">;
  readonly #streams = new Set<MessageStream>();

  constructor(ports: Omit<WatcherPorts, "stream">) {
    this.#ports = ports;
  }

  readonly handler: StreamHandler = (stream) => {
    let watcher: Watcher | undefined;
    this.#streams.add(stream);
    stream.listen({
      message: (bytes) => {
        if (watcher !== undefined) throw new RegistryError("protocol_violation", "a watch has one request");
        const { key, filter } = watchRequestFromBytes(bytes);
        watcher = new Watcher(serviceKey(key), checkFilter(filter), { ...this.#ports, stream });
      },
      drained: () => watcher?.viewChanged(),
      closed: () => {
        this.#streams.delete(stream);
        watcher?.close();
      },
    });
  };

  stop(): void {
    for (const stream of this.#streams)
      stream.close(new RegistryError("shutting_down", "the session node is stopping"));
  }
}
