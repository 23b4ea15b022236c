import {
  Datum,
  NO_FILTER,
  SLOT_COUNT,
  epoch,
  instanceFromInput,
  messageFromFrame,
  serviceKey,
  slotOfServiceKey,
  type EncodedInstance,
  type Frame,
  type Instance,
  type InstanceInput,
  type MessageStream,
  type RegistryError,
  type ServiceKey,
  type SlotTable,
  type StreamListener,
  type Update,
  type Version,
} from "@rollcall/core";
import { bytesFromInstance, instanceFromBytes } from "@rollcall/protocol";

export const ORDERS = serviceKey({ service: "orders" });
export const PAYMENTS = serviceKey({ service: "payments" });
export const SLOT = slotOfServiceKey(ORDERS);

export const version = (counter: number, leaderEpoch = 1): Version => ({ epoch: epoch(leaderEpoch), counter });

/** One node leads everything, or nobody does. */
export function slotTable(tableEpoch: number, leader: string | undefined, leaderEpoch = tableEpoch): SlotTable {
  const owner = { leader, followers: [], leaderEpoch: epoch(leaderEpoch) };
  return { epoch: epoch(tableEpoch), owners: Array.from({ length: SLOT_COUNT }, () => owner) };
}

/** The same with other owners for some slots. */
export function tableWith(
  table: SlotTable,
  key: ServiceKey,
  leader: string | undefined,
  leaderEpoch: number,
): SlotTable {
  const slot = slotOfServiceKey(key);
  const owners = table.owners.with(slot, { leader, followers: [], leaderEpoch: epoch(leaderEpoch) });
  return { epoch: table.epoch, owners };
}

export function encoded(id: string, input: Partial<InstanceInput> = {}): EncodedInstance {
  const instance = instanceFromInput({ id, address: "10.0.0.1:80", ...input }, () => "");
  return { id, bytes: bytesFromInstance(instance) };
}

export const readInstance = ({ bytes }: EncodedInstance): Instance => instanceFromBytes(bytes);

/** The leader's datum of a service, which issues versions of epoch 1. */
export class LeaderDatum {
  readonly datum: Datum;
  #counter = 0;

  constructor(key: ServiceKey = ORDERS) {
    this.datum = new Datum(key, version(0));
  }

  put(...instances: EncodedInstance[]): this {
    for (const instance of instances) this.datum.put(instance, version(++this.#counter));
    return this;
  }

  remove(id: string): this {
    this.datum.remove(id, version(++this.#counter));
    return this;
  }

  /** The whole, which nobody vouches for yet. */
  get unconfirmed(): Update {
    return this.datum.snapshot(NO_FILTER, false);
  }

  /** No content, only the word that what a receiver has of this is right. */
  get word(): Update {
    return this.datum.delta(this.datum.held, NO_FILTER, true)!;
  }

  get snapshot(): Update {
    return this.datum.snapshot(NO_FILTER, true);
  }
}

/** The server's end of a client's link, whose far end is the test. */
export class FakeStream implements MessageStream {
  readonly frames: Frame[] = [];
  congested = false;
  closedWith: RegistryError | "in order" | undefined;
  listener: StreamListener | undefined;

  send(frame: Frame): void {
    this.frames.push(frame);
  }

  close(error?: RegistryError): void {
    if (this.closedWith !== undefined) return;
    this.closedWith = error ?? "in order";
    this.listener?.closed(error);
  }

  listen(listener: StreamListener): void {
    this.listener = listener;
  }

  /** What was sent since the last time, decoded. */
  heard<Message>(decode: (bytes: Uint8Array) => Message): Message[] {
    return this.frames.splice(0).map((frame) => decode(messageFromFrame(frame)));
  }
}
