/**
 * A registry as small as can be that keeps the rules of the conversation: it refuses what is older, answers every
 * register and unregister, and delivers with core's own rules. Other clients are changes that the test makes by itself.
 */

import {
  Datum,
  Deliveries,
  RegistryError,
  isNewerStamp,
  textFromServiceKey,
  updateFor,
  type ClientMessage,
  type Clock,
  type EncodedInstance,
  type MessageStream,
  type RegisterItem,
  type RegistrationStamp,
  type ServiceKey,
  type StreamRoutes,
  type SubscribeItem,
  type UnregisterItem,
  type Version,
} from "@rollcall/core";
import { CONNECT_PATH, clientMessageFromBytes, frameFromPush, frameFromServerMessage } from "@rollcall/protocol";

import { version } from "./fake-session.ts";

const SWEEP_MS = 500;

interface ModelLink {
  readonly stream: MessageStream;
  greeted: boolean;
  readonly subscribers: Deliveries<SubscribeItem>;
}

export class ModelSession {
  readonly #clock: Clock;
  readonly #links = new Set<ModelLink>();
  #datums = new Map<string, Datum>();
  #stamps = new Map<string, RegistrationStamp>();
  #counter = 0;
  #cluster = 1;
  #isSure = true;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#watchSilence();
  }

  get routes(): StreamRoutes {
    return new Map([[CONNECT_PATH, (stream: MessageStream) => this.#accept(stream)]]);
  }

  datum(key: ServiceKey): Datum {
    const text = textFromServiceKey(key);
    const known = this.#datums.get(text);
    if (known !== undefined) return known;
    const datum = new Datum(key, version(1, 0));
    this.#datums.set(text, datum);
    return datum;
  }

  put(key: ServiceKey, instance: EncodedInstance): void {
    this.datum(key).put(instance, this.#next());
    this.#deliver();
  }

  remove(key: ServiceKey, id: string): void {
    this.datum(key).remove(id, this.#next());
    this.#deliver();
  }

  /** Everything is gone, and what comes in its place counts from the beginning. Links are to be cut with it. */
  becomeAnotherCluster(): void {
    this.#cluster++;
    this.#datums = new Map();
    this.#stamps = new Map();
    this.#counter = 0;
  }

  /** Whether it vouches for its lists from now on. */
  beSure(isSure: boolean): void {
    this.#isSure = isSure;
    this.#deliver();
  }

  #next(): Version {
    return version(1, ++this.#counter);
  }

  #accept(stream: MessageStream): void {
    const shownOf = ({ key }: SubscribeItem) => ({ datum: this.datum(key), confirmed: this.#isSure });
    const link: ModelLink = { stream, greeted: false, subscribers: new Deliveries(shownOf, () => {}) };
    this.#links.add(link);
    stream.listen({
      message: (bytes) => this.#hear(link, clientMessageFromBytes(bytes)),
      closed: () => void this.#links.delete(link),
    });
  }

  #hear(link: ModelLink, message: ClientMessage): void {
    if (!link.greeted && message.hello === undefined) {
      link.stream.close(new RegistryError("protocol_violation", "a client says hello first"));
      return;
    }
    // Its first message a second time. What it says is held may be of another cluster, and the client cannot tell again.
    if (link.greeted && message.hello !== undefined) return;
    link.greeted = true;
    if (message.hello !== undefined) {
      const hello = { nodeId: "model", clusterId: `cluster-${this.#cluster}` };
      link.stream.send(frameFromServerMessage({ hello }));
    }
    for (const item of message.registers) this.#apply(item, item.instance);
    for (const item of message.unregisters) this.#apply(item, undefined);
    const results = [...message.registers, ...message.unregisters].map(({ key, sequence }) => {
      return { sequence, outcome: { kind: "applied", version: this.datum(key).version } } as const;
    });
    if (results.length > 0) link.stream.send(frameFromServerMessage({ results }));
    for (const item of message.subscribes) link.subscribers.follow(textFromServiceKey(item.key), item, item.held);
    for (const { key } of message.unsubscribes) link.subscribers.unfollow(textFromServiceKey(key));
    for (const receipt of message.receipts) link.subscribers.receipt(textFromServiceKey(receipt.key), receipt);
    this.#deliver();
  }

  #apply(item: RegisterItem | UnregisterItem, bytes: Uint8Array | undefined): void {
    const name = `${textFromServiceKey(item.key)}/${item.instanceId}`;
    const stamp = { version: item.version, removed: bytes === undefined };
    const before = this.#stamps.get(name);
    if (before !== undefined && !isNewerStamp(stamp, before)) return;
    this.#stamps.set(name, stamp);
    const datum = this.datum(item.key);
    if (bytes === undefined) datum.remove(item.instanceId, this.#next());
    else datum.put({ id: item.instanceId, bytes }, this.#next());
  }

  #deliver(): void {
    for (const { stream, subscribers } of this.#links) {
      subscribers.allChanged();
      for (const { source, datum, confirmed, held } of subscribers.due(this.#clock.now()))
        stream.send(frameFromPush(updateFor(datum, held, source.filter, confirmed)));
    }
  }

  #watchSilence(): void {
    for (const { subscribers } of this.#links) subscribers.sweep(this.#clock.now());
    this.#deliver();
    this.#clock.setTimer(SWEEP_MS, () => this.#watchSilence());
  }
}
