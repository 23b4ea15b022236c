/**
 * RegistryService.Watch and WatchServices, for clients without a Connect stream: snapshots of one service or of one list
 * of services, or, asked with a hello, the half of a client's connection that goes to the client.
 */

import {
  DurationHistogram,
  RegistryError,
  checkFilter,
  noTracer,
  serviceKey,
  servicePattern,
  type ClientIdentity,
  type Clock,
  type MessageStream,
  type ServerHello,
  type ServiceEvents,
  type StreamHandler,
  type SwitchedOff,
} from "@rollcall/core";
import {
  frameFromServerMessage,
  watchServicesRequestFromBytes,
  watchWishFromBytes,
  type WatchWish,
} from "@rollcall/protocol";

import { ClientConnection } from "../connections/client-connection.ts";
import { Watcher } from "../connections/watcher.ts";
import type { ServiceLists } from "../lists/service-lists.ts";
import type { PushSwitch } from "../pushes/push-switch.ts";
import type { RegistrationStore } from "../registrations/registration-store.ts";
import type { Barriers } from "../routing/barriers.ts";
import type { Interests } from "../views/interests.ts";
import type { UsedView } from "../views/view.ts";
import { admit, admitHello } from "./admission.ts";

/** How often a client that said hello hears something, in milliseconds: it sends nothing that could be answered. */
const SIGN_OF_LIFE_EVERY_MS = 10_000;

const SIGN_OF_LIFE = frameFromServerMessage({});

export interface WatchLinksPorts {
  readonly clock: Clock;
  readonly interests: Interests;
  readonly lists: ServiceLists;
  readonly registrations: RegistrationStore;
  readonly barriers: Barriers;
  readonly events: ServiceEvents;
  readonly pushes: PushSwitch;
  /** What to greet clients with; undefined until this node has joined a cluster. */
  readonly hello: () => ServerHello | undefined;
  readonly switchedOff: (client: ClientIdentity) => SwitchedOff;
}

/** What serves one stream. */
interface Watch {
  drained(): void;
  pushesChanged(): void;
  switchesChanged(): void;
  /** Called often, with the time in clock milliseconds. */
  sweep(now: number): void;
  close(): void;
}

export class WatchLinks {
  readonly #ports: WatchLinksPorts;
  /** Undefined until it is known what is wanted. */
  readonly #watches = new Map<MessageStream, Watch | undefined>();
  #phase: "serving" | "refusing" = "serving";

  constructor(ports: WatchLinksPorts) {
    this.#ports = ports;
  }

  get size(): number {
    return this.#watches.size;
  }

  readonly handler: StreamHandler = (stream, { address }) =>
    this.#serve(stream, (bytes) => this.#watch(stream, address, watchWishFromBytes(bytes)));

  readonly servicesHandler: StreamHandler = (stream, { address }) =>
    this.#serve(stream, (bytes) => {
      const pattern = servicePattern(watchServicesRequestFromBytes(bytes));
      return this.#watchView(stream, address, this.#ports.lists.useView(pattern));
    });

  #serve(stream: MessageStream, begin: (request: Uint8Array) => Watch): void {
    this.#watches.set(stream, undefined);
    stream.listen({
      message: (bytes) => {
        if (this.#watches.get(stream) !== undefined)
          throw new RegistryError("protocol_violation", "a watch has one request");
        if (this.#phase === "refusing") throw shuttingDown();
        this.#watches.set(stream, begin(bytes));
      },
      drained: () => this.#watches.get(stream)?.drained(),
      closed: () => {
        const watch = this.#watches.get(stream);
        this.#watches.delete(stream);
        watch?.close();
      },
    });
  }

  sweep(now: number): void {
    for (const watch of this.#watches.values()) watch?.sweep(now);
  }

  /** An operator has decided that others are pushed than before. */
  pushesChanged(): void {
    for (const watch of this.#watches.values()) watch?.pushesChanged();
  }

  /** Operators have switched other clients off than before. */
  switchesChanged(): void {
    for (const watch of this.#watches.values()) watch?.switchesChanged();
  }

  /** From now on whoever comes is to go elsewhere. */
  refuse(): void {
    this.#phase = "refusing";
  }

  stop(): void {
    this.refuse();
    for (const stream of this.#watches.keys()) stream.close(shuttingDown());
  }

  #watch(stream: MessageStream, address: string, wish: WatchWish): Watch {
    if (wish.kind === "subscriptions") return this.#watchMany(stream, address, wish);
    const { key, filter } = wish.item;
    return this.#watchView(stream, address, this.#ports.interests.useView(serviceKey(key), checkFilter(filter)));
  }

  #watchView(stream: MessageStream, address: string, used: UsedView): Watch {
    const { clock, pushes, switchedOff } = this.#ports;
    const isOff = (): boolean => switchedOff({ clientId: "", address }).subscribe;
    const watcher = new Watcher(used, { clock, stream, pushes, address, isOff });
    const { viewChanged } = watcher;
    return {
      drained: viewChanged,
      pushesChanged: viewChanged,
      switchesChanged() {
        used.acknowledged(watcher);
        viewChanged();
      },
      sweep: () => {},
      close: () => watcher.close(),
    };
  }

  #watchMany(stream: MessageStream, address: string, wish: WatchWish & { readonly kind: "subscriptions" }): Watch {
    const { clock, interests, lists, registrations, barriers, events, pushes } = this.#ports;
    const greeting = this.#ports.hello();
    if (greeting === undefined) throw new RegistryError("not_ready", "the session node has not joined the cluster yet");
    const { subscribes, servicesSubscribes } = wish;
    const { admitted, refusals, servicesRefusals } = admit({ ...NOTHING, subscribes, servicesSubscribes });
    const connection = new ClientConnection(admitHello(wish.hello), greeting, {
      clock,
      stream,
      address,
      pushes,
      switchedOff: this.#ports.switchedOff,
      encode: frameFromServerMessage,
      registrations,
      interests,
      barriers,
      lists,
      receipts: "implied",
      // Nothing is registered over it, and no receipt comes.
      tracer: noTracer,
      receiptTimes: new DurationHistogram(),
      events,
      sessions: () => undefined,
      restored: () => {},
    });
    connection.refuse([], refusals, servicesRefusals);
    connection.receive(admitted);
    let nextSignAt = clock.now() + SIGN_OF_LIFE_EVERY_MS;
    return {
      drained: () => connection.drained(),
      pushesChanged: () => connection.pushesChanged(),
      switchesChanged: () => connection.switchesChanged(),
      sweep(now) {
        // A stream that is congested has something to say.
        if (now < nextSignAt || stream.congested) return;
        nextSignAt = now + SIGN_OF_LIFE_EVERY_MS;
        stream.send(SIGN_OF_LIFE);
      },
      close: () => connection.close(),
    };
  }
}

function shuttingDown(): RegistryError {
  return new RegistryError("shutting_down", "the session node is stopping");
}

const NOTHING = {
  hello: undefined,
  registers: [],
  unregisters: [],
  subscribes: [],
  unsubscribes: [],
  receipts: [],
  barriers: [],
  servicesSubscribes: [],
  servicesUnsubscribes: [],
  servicesReceipts: [],
} as const;
