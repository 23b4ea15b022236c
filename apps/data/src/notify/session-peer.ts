/**
 * One session node as this data node sees it: what it is interested in, what it is owed, and the link to it. Everything
 * that is owed goes out in one frame as soon as the input at hand has been handled; while the link is congested it
 * waits, and changes of a service coalesce, because a notification is cut from the datum when it leaves.
 */

import {
  type BarrierAnswer,
  type ToldQuestion,
  Deliveries,
  NO_FILTER,
  changeFromUpdate,
  oncePerTurn,
  originOf,
  partsOfUpdate,
  textFromServiceKey,
  updateFor,
  type Clock,
  type DurationHistogram,
  type Frame,
  type Interest,
  type LinkResponse,
  type MessageStream,
  type NewestChange,
  type NotifyReceipt,
  type ServiceEvents,
  type ServiceKey,
  type ServicesAnswer,
  type ServicesDigest,
  type ServicesInterest,
  type ServicesNotifyReceipt,
  type Held,
  type RollUp,
  type Shown,
  type SlotDifference,
  type SlotId,
  type SlotRef,
  type SlotReport,
  type UpdatePart,
  type Write,
  type WriteResult,
} from "@rollcall/core";

/** Instance bytes gathered into one frame before another is begun: large frames delay what is behind them. */
const FRAME_BYTES_AIM = 256 * 1_024;

export interface SessionPeerPorts {
  readonly clock: Clock;
  readonly stream: MessageStream;
  readonly encode: (response: Partial<LinkResponse>) => Frame;
  /** The service as it may be shown now; undefined while it may not. */
  readonly shownOf: (key: ServiceKey) => Shown | undefined;
  readonly newestOf: (key: ServiceKey) => NewestChange | undefined;
  /** From notifications to their receipts. */
  readonly receiptTimes: DurationHistogram;
  readonly events: ServiceEvents;
  /** The list of services of a namespace, as far as this node can tell. */
  readonly servicesOf: (namespace: string) => Shown | undefined;
}

/** Everything there is to say but notifications, which are cut when they leave. */
interface Owed {
  results: WriteResult[];
  reported: SlotReport[];
  answers: ServicesAnswer[];
  disagreed: SlotRef[];
  differences: SlotDifference[];
  reportAll: boolean;
  copies: RollUp | undefined;
  askAgain: SlotId[];
  toldQuestions: ToldQuestion[];
  barriers: BarrierAnswer[];
  servicesDigests: ServicesDigest[];
}

export class SessionPeer {
  /** Member key of the session. */
  readonly session: string;
  readonly #ports: SessionPeerPorts;
  readonly #interests: Deliveries<ServiceKey>;
  /** Namespaces whose list of services it is interested in. */
  readonly #services: Deliveries<string>;
  readonly #scheduleFlush: () => void;
  #owed = nothingOwed();
  #isOwing = false;
  #lastWrite = 0;
  /** Half the shortest round trip on this link: what the way takes when nothing else does. */
  #transitMs: number | undefined;

  constructor(session: string, ports: SessionPeerPorts) {
    this.session = session;
    this.#ports = ports;
    this.#scheduleFlush = oncePerTurn(ports.clock, () => this.#flush());
    this.#interests = new Deliveries(ports.shownOf, () => this.#scheduleFlush());
    this.#services = new Deliveries(ports.servicesOf, () => this.#scheduleFlush());
  }

  get interestCount(): number {
    return this.#interests.size;
  }

  interests(): ServiceKey[] {
    return this.#interests.sources();
  }

  wants(keyText: string): boolean {
    return this.#interests.get(keyText) !== undefined;
  }

  interest({ key, held }: Interest): void {
    this.#interests.follow(textFromServiceKey(key), key, held);
  }

  uninterest(key: ServiceKey): void {
    this.#interests.unfollow(textFromServiceKey(key));
  }

  changed(keyText: string): void {
    const followed = this.#interests.get(keyText);
    if (followed !== undefined) this.#interests.changed(followed);
  }

  allChanged(): void {
    this.#interests.allChanged();
  }

  receipt(receipt: NotifyReceipt): void {
    const keyText = textFromServiceKey(receipt.key);
    const sentAt = this.#interests.receipt(keyText, receipt);
    if (sentAt === undefined) return;
    const { clock, receiptTimes, events } = this.#ports;
    const { version } = receipt.held;
    events.record(keyText, receipt.resync ? "unusable" : "confirmed", { version, who: this.session });
    const roundTripMs = clock.now() - sentAt;
    receiptTimes.observe(roundTripMs);
    this.#transitMs = Math.min(this.#transitMs ?? Infinity, roundTripMs / 2);
  }

  servicesInterests(): string[] {
    return this.#services.sources();
  }

  wantsServices(namespace: string): boolean {
    return this.#services.get(namespace) !== undefined;
  }

  servicesInterest({ namespace, held }: ServicesInterest): void {
    this.#services.follow(namespace, namespace, held);
  }

  servicesUninterest(namespace: string): void {
    this.#services.unfollow(namespace);
  }

  servicesChanged(namespace: string): void {
    const followed = this.#services.get(namespace);
    if (followed !== undefined) this.#services.changed(followed);
  }

  servicesReceipt(receipt: ServicesNotifyReceipt): void {
    this.#services.receipt(receipt.namespace, receipt);
  }

  /** Tells what its lists of services should come to. */
  compareServices(): void {
    for (const { source: namespace, held } of this.#services.holdings())
      this.#owing().servicesDigests.push({ namespace, digest: held.digest });
  }

  /** Nothing is on its way to it, and nothing waits. */
  get isSettled(): boolean {
    return this.#interests.isSettled;
  }

  /** What it is known to hold of the services it is interested in. */
  holdings(): IterableIterator<{ readonly source: ServiceKey; readonly held: Held }> {
    return this.#interests.holdings();
  }

  /** Sequence of the last of its writes that have come. */
  get lastWrite(): number {
    return this.#lastWrite;
  }

  wrote({ sequence }: Write): void {
    this.#lastWrite = Math.max(this.#lastWrite, sequence);
  }

  result(result: WriteResult): void {
    this.#owing().results.push(result);
  }

  agreed(report: SlotReport): void {
    this.#owing().reported.push(report);
  }

  disagreed(ref: SlotRef): void {
    this.#owing().disagreed.push(ref);
  }

  differs(difference: SlotDifference): void {
    this.#owing().differences.push(difference);
  }

  /** Asks what it holds of every slot. */
  askReports(): void {
    this.#owing().reportAll = true;
  }

  /** Tells what its copies should come to. */
  compareCopies(rollUp: RollUp): void {
    this.#owing().copies = rollUp;
  }

  /** Asks what it holds of the services of a slot that it is interested in. */
  askAgain(slot: SlotId): void {
    this.#owing().askAgain.push(slot);
  }

  /** Asks whether all of its subscribers have been told. */
  askTold(question: ToldQuestion): void {
    this.#owing().toldQuestions.push(question);
  }

  answerBarrier(answer: BarrierAnswer): void {
    this.#owing().barriers.push(answer);
  }

  answer(answer: ServicesAnswer): void {
    this.#owing().answers.push(answer);
  }

  drained(): void {
    this.#scheduleFlush();
  }

  sweep(now: number): void {
    if (this.#ports.stream.congested) return;
    this.#interests.sweep(now);
    this.#services.sweep(now);
  }

  #owing(): Owed {
    this.#isOwing = true;
    this.#scheduleFlush();
    return this.#owed;
  }

  #flush(): void {
    const { stream, encode, clock, events } = this.#ports;
    if (stream.congested) return;
    let notifications: UpdatePart[] = [];
    let bytes = 0;
    const now = clock.now();
    for (const { source, datum, held, confirmed } of this.#interests.due(now)) {
      events.record(textFromServiceKey(source), "notified", {
        version: datum.version,
        who: this.session,
        why: confirmed ? undefined : "as a list that nobody vouches for yet",
      });
      const origin = originOf(this.#ports.newestOf(source), held, now, this.#transitMs ?? 0);
      for (const part of partsOfUpdate({ ...updateFor(datum, held, NO_FILTER, confirmed), origin })) {
        notifications.push(part);
        for (const instance of part.instances) bytes += instance.bytes.length;
        if (bytes < FRAME_BYTES_AIM) continue;
        stream.send(encode({ notifications }));
        notifications = [];
        bytes = 0;
      }
      // The rest goes when the link has carried this: what has not left yet still coalesces.
      if (stream.congested) break;
    }
    // The rest of the lists waits like that of the services.
    if (!stream.congested) this.#flushServices();
    if (notifications.length === 0 && !this.#isOwing) return;
    const owed = this.#owed;
    this.#owed = nothingOwed();
    this.#isOwing = false;
    stream.send(encode({ ...owed, notifications }));
  }

  #flushServices(): void {
    const { stream, encode, clock } = this.#ports;
    for (const { source: namespace, datum, held, confirmed } of this.#services.due(clock.now())) {
      for (const part of partsOfUpdate(updateFor(datum, held, NO_FILTER, confirmed)))
        stream.send(encode({ servicesNotifications: [{ namespace, ...changeFromUpdate(part) }] }));
      if (stream.congested) break;
    }
  }
}

function nothingOwed(): Owed {
  return {
    results: [],
    reported: [],
    answers: [],
    disagreed: [],
    differences: [],
    reportAll: false,
    copies: undefined,
    askAgain: [],
    toldQuestions: [],
    barriers: [],
    servicesDigests: [],
  };
}
