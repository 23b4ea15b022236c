import {
  Datum,
  type RegistryError,
  epoch,
  instanceFromInput,
  memberKey,
  messageFromFrame,
  serviceKey,
  silentLog,
  slotOfServiceKey,
  type Frame,
  type LinkRequest,
  type LinkResponse,
  type Member,
  type MessageStream,
  type ServiceKey,
  type Update,
  type Write,
  type WriteOutcome,
} from "@rollcall/core";
import { bytesFromInstance, frameFromLinkResponse, instanceFromBytes, linkResponseFromBytes } from "@rollcall/protocol";
import { SimClock, type NodeClock } from "@rollcall/testing";

import { SessionPeer } from "../src/notify/session-peer.ts";
import { Storage } from "../src/storage.ts";
import { US, clusterState, type ClusterPicture } from "./cluster-fixture.ts";

export const ORDERS = serviceKey({ service: "orders" });
export const LEASE_MS = 15_000;

/** A stream that only the data node writes to, which decodes what it is given. */
class HeardStream implements MessageStream {
  congested = false;
  readonly frames: LinkResponse[] = [];

  send(frame: Frame): void {
    this.frames.push(linkResponseFromBytes(messageFromFrame(frame)));
  }

  close(_error?: RegistryError): void {}
  listen(): void {}
}

const bytesOf = (id: string, zone: string) =>
  bytesFromInstance(instanceFromInput({ id, address: "10.0.0.1:80", zone }, () => ""));

/** A session node in the hands of the test. */
export class HandMadeSession {
  readonly member: Member;
  readonly stream = new HeardStream();
  readonly peer: SessionPeer;
  readonly #storage: Storage;
  readonly #settle: () => Promise<void>;
  /** What it has been notified of, applied the way a session does it. */
  readonly copies = new Map<string, Datum>();
  #sequence = 0;
  leaderEpoch = 1;

  constructor(member: Member, storage: Storage, clock: SimClock, nodeClock: NodeClock) {
    this.member = member;
    this.#storage = storage;
    this.#settle = () => clock.runFor(0);
    this.peer = new SessionPeer(memberKey(member), {
      clock: nodeClock,
      stream: this.stream,
      encode: frameFromLinkResponse,
      readable: (key) => storage.readable(key),
    });
    storage.join(this.peer);
  }

  /** Says something and gives back everything that comes of it before time passes. */
  async say(request: Partial<LinkRequest>): Promise<LinkResponse[]> {
    const nothing = { writes: [], reports: [], interests: [], uninterests: [], receipts: [], queries: [] };
    this.#storage.receive(this.peer, { hello: undefined, ...nothing, ...request });
    return this.heard();
  }

  /** The frames that have come since the last time. */
  async heard(): Promise<LinkResponse[]> {
    await this.#settle();
    return this.stream.frames.splice(0);
  }

  write(kind: Write["kind"], id: string, counter: number, change: Partial<Write> & { zone?: string } = {}): Write {
    const { zone = "", ...rest } = change;
    return {
      sequence: ++this.#sequence,
      kind,
      leaderEpoch: epoch(this.leaderEpoch),
      key: ORDERS,
      instanceId: id,
      clientId: "client-1",
      version: { incarnation: 1, counter },
      instance: kind === "register" ? bytesOf(id, zone) : new Uint8Array(0),
      leaseMs: 0,
      ...rest,
    };
  }

  /** Writes and gives back the outcome of each. */
  async writes(...writes: Write[]): Promise<WriteOutcome[]> {
    const frames = await this.say({ writes });
    return frames.flatMap(({ results }) => results).map(({ outcome }) => outcome);
  }

  async follow(key: ServiceKey = ORDERS): Promise<Update[]> {
    return this.notifications(await this.say({ interests: [{ key, held: undefined }] }));
  }

  notifications(frames: readonly LinkResponse[]): Update[] {
    return frames.flatMap(({ notifications }) => notifications);
  }

  /** Applies what came, as a session does, and sends the receipts. */
  async confirm(updates: readonly Update[]): Promise<LinkResponse[]> {
    const receipts = updates.map((update) => {
      const text = JSON.stringify(update.key);
      const copy = this.copies.get(text) ?? new Datum(update.key, { epoch: epoch(0), counter: 0 });
      this.copies.set(text, copy);
      const resync = copy.apply(update) === "mismatch";
      return { key: update.key, held: copy.held, resync };
    });
    return this.say({ receipts });
  }
}

export function startStorage(picture: ClusterPicture = {}) {
  const clock = new SimClock();
  const nodeClock = clock.nodeClock();
  const storage = new Storage({ nodeId: US, registrationLeaseMs: LEASE_MS }, { clock: nodeClock, log: silentLog });
  storage.start();
  storage.adopt(clusterState(picture));
  const shown = (key = ORDERS): string[] | undefined => {
    const service = storage.readable(key);
    return service && [...service.datum.instances()].map(({ id }) => id).toSorted();
  };
  return {
    clock,
    nodeClock,
    storage,
    shown,
    link: (member: Member) => new HandMadeSession(member, storage, clock, nodeClock),
    slot: slotOfServiceKey(ORDERS),
  };
}

/** The instances of an update, as `id zone`. */
export const zonesIn = ({ instances }: Pick<Update, "instances">): string[] =>
  instances.map(({ bytes }) => instanceFromBytes(bytes)).map(({ id, zone }) => `${id} ${zone}`.trim());
