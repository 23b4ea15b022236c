/** A data node's heart with sessions in the hands of the test, which know the truth about what they hold. */

import {
  ALL_SLOTS,
  Datum,
  DurationHistogram,
  EMPTY_DIGEST,
  digestOfBytes,
  digestOfRegistration,
  digestOfText,
  epoch,
  instanceFromInput,
  memberKey,
  messageFromFrame,
  mixDigests,
  noTracer,
  overrideId,
  serviceKey,
  silentLog,
  slotOfServiceKey,
  slotOfText,
  textFromServiceKey,
  toggleDigest,
  type ClaimRecord,
  type Digest,
  type Frame,
  type Held,
  type IdRange,
  type InstanceOverride,
  type LinkRequest,
  type LinkResponse,
  type Member,
  type MessageStream,
  type RegistryError,
  type RollUp,
  type ServiceHoldings,
  type ServiceKey,
  type SlotId,
  type SlotInventory,
  type SlotReport,
  type Update,
  type Version,
  type Write,
  type WriteOutcome,
} from "@rollcall/core";
import {
  bytesFromInstance,
  frameFromLinkResponse,
  instanceAddressFromBytes,
  instanceBytesWith,
  instanceFromBytes,
  linkResponseFromBytes,
} from "@rollcall/protocol";
import { SimClock, type NodeClock } from "@rollcall/testing";

import { SessionPeer } from "../src/notify/session-peer.ts";
import { Quotas } from "../src/quotas/quotas.ts";
import { Blocks } from "../src/overrides/blocks.ts";
import { Overrides } from "../src/overrides/overrides.ts";
import { Storage } from "../src/storage.ts";
import { US, clusterState, type ClusterPicture } from "./cluster-fixture.ts";

export const ORDERS = serviceKey({ service: "orders" });
export const ORDERS_SLOT = slotOfServiceKey(ORDERS);
export const LEASE_MS = 15_000;
export const NOTHING_SEEN: Version = { epoch: epoch(0), counter: 0 };

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

export const NOTHING_SAID: LinkRequest = {
  hello: undefined,
  writes: [],
  reports: [],
  interests: [],
  uninterests: [],
  receipts: [],
  queries: [],
  inventories: [],
  holdings: [],
  registrations: undefined,
  copies: [],
  barriers: [],
  told: [],
  servicesInterests: [],
  servicesUninterests: [],
  servicesReceipts: [],
};

/** A session node in the hands of the test. */
export class HandMadeSession {
  readonly member: Member;
  readonly stream = new HeardStream();
  readonly peer: SessionPeer;
  readonly #storage: Storage;
  readonly #settle: () => Promise<void>;
  /** What it has been notified of, applied the way a session does it. */
  readonly copies = new Map<string, Datum>();
  /** Its registrations that live with a connection, by service, instance and client: the truth about them. */
  readonly holds = new Map<string, Write>();
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
      shownOf: (key) => storage.shownOf(key),
      receiptTimes: new DurationHistogram(),
      events: storage.events,
      newestOf: (key) => storage.datums.find(key)?.newest,
      servicesOf: (namespace) => storage.lists.shownOf(namespace),
    });
    storage.join(this.peer);
  }

  /** Says something and gives back everything that comes of it before time passes. */
  async say(request: Partial<LinkRequest>): Promise<LinkResponse[]> {
    for (const write of request.writes ?? []) this.hold(write);
    this.#storage.receive(this.peer, { ...NOTHING_SAID, ...request });
    return this.heard();
  }

  /** The same, said in one word: everything that comes of it as one response. */
  async ask(request: Partial<LinkRequest>): Promise<Omit<LinkResponse, "copies">> {
    const frames = await this.say(request);
    return {
      results: frames.flatMap(({ results }) => results),
      reported: frames.flatMap(({ reported }) => reported),
      notifications: frames.flatMap(({ notifications }) => notifications),
      answers: frames.flatMap(({ answers }) => answers),
      disagreed: frames.flatMap(({ disagreed }) => disagreed),
      differences: frames.flatMap(({ differences }) => differences),
      reportAll: frames.some(({ reportAll }) => reportAll),
      askAgain: frames.flatMap(({ askAgain }) => askAgain),
      toldQuestions: frames.flatMap(({ toldQuestions }) => toldQuestions),
      barriers: frames.flatMap(({ barriers }) => barriers),
      servicesNotifications: frames.flatMap(({ servicesNotifications }) => servicesNotifications),
      servicesDigests: frames.flatMap(({ servicesDigests }) => servicesDigests),
    };
  }

  /** The frames that have come since the last time. */
  async heard(): Promise<LinkResponse[]> {
    await this.#settle();
    return this.stream.frames.splice(0);
  }

  // What it holds ----------------------------------------------------------------------------------------------------

  /** Takes a write to be what is true of a registration, whether it is said to the data node or not. */
  hold(write: Write): void {
    const name = `${textFromServiceKey(write.key)} ${write.instanceId} ${write.clientId}`;
    if (write.kind === "unregister") this.holds.delete(name);
    if (write.kind === "register" && write.leaseMs === 0) this.holds.set(name, write);
  }

  /** Sequence of the last write it made. */
  get lastWrite(): number {
    return this.#sequence;
  }

  #digestOf(includes: (write: Write) => boolean): Digest {
    return [...this.holds.values()]
      .filter(includes)
      .map((write) => digestOfRegistration(textFromServiceKey(write.key), write, digestOfBytes(write.instance)))
      .reduce(toggleDigest, EMPTY_DIGEST);
  }

  report(slot: SlotId = ORDERS_SLOT, seen: Version = NOTHING_SEEN): SlotReport {
    const digest = this.#digestOf(({ key }) => slotOfServiceKey(key) === slot);
    return { slot, leaderEpoch: epoch(this.leaderEpoch), digest, seen };
  }

  reports(seen: Version = NOTHING_SEEN): SlotReport[] {
    return ALL_SLOTS.map((slot) => this.report(slot, seen));
  }

  inventory(slot: SlotId = ORDERS_SLOT): SlotInventory {
    const writes = [...this.holds.values()].filter(({ key }) => slotOfServiceKey(key) === slot);
    const services = [...Map.groupBy(writes, ({ key }) => textFromServiceKey(key))].map(([keyText, [first]]) => ({
      key: first!.key,
      digest: this.#digestOf(({ key }) => textFromServiceKey(key) === keyText),
    }));
    return { slot, leaderEpoch: epoch(this.leaderEpoch), version: undefined, services };
  }

  holdings(key: ServiceKey = ORDERS, change: Partial<ServiceHoldings> = {}): ServiceHoldings {
    const range: IdRange = { after: change.after ?? "", upTo: change.upTo ?? "" };
    const held = [...this.holds.values()]
      .filter((write) => textFromServiceKey(write.key) === textFromServiceKey(key))
      .filter(({ instanceId: id }) => id > range.after && (range.upTo === "" || id <= range.upTo))
      .map(({ instanceId, clientId }) => ({ instanceId, clientId }));
    return { key, leaderEpoch: epoch(this.leaderEpoch), afterWrite: this.#sequence, held, ...range, ...change };
  }

  /** Over all that it holds in the slots that one node leads. */
  rollUp(tableEpoch: number, isLed: (slot: SlotId) => boolean = () => true): RollUp {
    const digest = this.reports()
      .filter(({ slot }) => isLed(slot))
      .map((report) => mixDigests({ high: report.slot, low: report.leaderEpoch }, report.digest))
      .reduce(toggleDigest, EMPTY_DIGEST);
    return { tableEpoch: epoch(tableEpoch), digest };
  }

  /** Over its copies of the slot's services, or of all. */
  copiesDigest(slot?: SlotId): Digest {
    return [...this.copies]
      .filter(([keyText]) => slot === undefined || slotOfText(keyText) === slot)
      .map(([keyText, { digest }]) => mixDigests(digestOfText(keyText), digest))
      .reduce(toggleDigest, EMPTY_DIGEST);
  }

  // What it does -----------------------------------------------------------------------------------------------------

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

  /** Says that it is interested, and what it has of it that was confirmed. */
  async follow(key: ServiceKey = ORDERS, held?: Held): Promise<Update[]> {
    return this.notifications(await this.say({ interests: [{ key, held }] }));
  }

  notifications(frames: readonly LinkResponse[]): Update[] {
    return frames.flatMap(({ notifications }) => notifications);
  }

  /** Applies what came, as a session does, and sends the receipts. */
  async confirm(updates: readonly Update[]): Promise<LinkResponse[]> {
    const receipts = updates.map((update) => {
      const text = textFromServiceKey(update.key);
      const copy = this.copies.get(text) ?? new Datum(update.key, { epoch: epoch(0), counter: 0 });
      this.copies.set(text, copy);
      const resync = copy.apply(update) === "mismatch";
      return { key: update.key, held: copy.held, resync };
    });
    return this.say({ receipts });
  }
}

/** What the disk has of one service, and who has left it there. */
export interface Disk {
  readonly session: string;
  readonly ids: readonly string[];
  readonly version: Version;
  readonly leaseMs?: number;
}

export function recordsOf({ session, ids, leaseMs = 0 }: Disk): ClaimRecord[] {
  return ids.map((instanceId) => ({
    instanceId,
    clientId: leaseMs > 0 ? "" : "client-1",
    version: { incarnation: 1, counter: 1 },
    removed: false,
    presumed: false,
    unhealthy: false,
    instance: bytesOf(instanceId, ""),
    session,
    leaseMs,
  }));
}

export function startStorage(picture: ClusterPicture = {}, disk: readonly Disk[] = []) {
  const clock = new SimClock();
  const nodeClock = clock.nodeClock();
  /** What the node knows of meta: until when it is known what meta says; undefined for always just now. */
  const meta: { knownAt: number | undefined; asked: number } = { knownAt: undefined, asked: 0 };
  const overrides = new Overrides({ addressOf: instanceAddressFromBytes, withChanges: instanceBytesWith });
  const blocks = new Blocks(overrides);
  const storage = new Storage(
    { nodeId: US, registrationLeaseMs: LEASE_MS },
    {
      clock: nodeClock,
      log: silentLog,
      tracer: noTracer,
      membersKnownAt: () => meta.knownAt ?? nodeClock.now(),
      tableIsOld: () => meta.asked++,
      showing: blocks,
      refusal: (write) => quotas.refusal(write),
    },
  );
  for (const part of disk) for (const claim of recordsOf(part)) storage.datums.restore(ORDERS_SLOT, ORDERS, claim);
  const quotas = new Quotas(storage.datums, storage.ownership);
  storage.watch(quotas);
  if (disk.length > 0) storage.restored("c", new Map([[ORDERS_SLOT, disk[0]!.version]]));
  let decided = new Map<string, { readonly control: InstanceOverride }>();
  storage.start();
  storage.adopt(clusterState(picture));
  /** Ids that are shown and vouched for. */
  const shown = (key = ORDERS): string[] | undefined => {
    const service = storage.shownOf(key);
    return service?.confirmed === true ? [...service.datum.instances()].map(({ id }) => id).toSorted() : undefined;
  };
  return {
    clock,
    nodeClock,
    storage,
    blocks,
    quotas,
    meta,
    shown,
    /** Operators have decided this, and nothing else. */
    decide: (...controls: InstanceOverride[]): void => {
      const before = decided;
      decided = new Map(controls.map((control) => [overrideId(control), { control }]));
      const ids = new Set([...before.keys(), ...decided.keys()]);
      const affected = overrides.change([...ids].map((id) => ({ before: before.get(id), after: decided.get(id) })));
      storage.reshowing.show(overrides.affectedIn(storage.datums, affected), "as decided");
    },
    /** What the node is to the slot of the orders. */
    kind: () => storage.ownership.of(ORDERS_SLOT).kind,
    link: (member: Member) => new HandMadeSession(member, storage, clock, nodeClock),
  };
}

/** The instances of an update, as `id zone`. */
export const zonesIn = ({ instances }: Pick<Update, "instances">): string[] =>
  instances.map(({ bytes }) => instanceFromBytes(bytes)).map(({ id, zone }) => `${id} ${zone}`.trim());
