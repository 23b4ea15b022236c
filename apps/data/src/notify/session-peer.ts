/**
 * One session node as this data node sees it: what it is interested in, what it is owed, and the link to it. Everything
 * that is owed goes out in one frame as soon as the input at hand has been handled; while the link is congested it
 * waits, and changes of a service coalesce, because a notification is cut from the datum when it leaves.
 */

import {
  Deliveries,
  NO_FILTER,
  oncePerTurn,
  textFromServiceKey,
  updateFor,
  type Clock,
  type Frame,
  type Interest,
  type LinkResponse,
  type MessageStream,
  type NotifyReceipt,
  type ServiceKey,
  type ServicesAnswer,
  type SlotReport,
  type Update,
  type WriteResult,
} from "@rollcall/core";

import type { RegisteredService } from "../datums/registered-service.ts";

/** Instance bytes gathered into one frame before another is begun: large frames delay what is behind them. */
const FRAME_BYTES_AIM = 256 * 1_024;

export interface SessionPeerPorts {
  readonly clock: Clock;
  readonly stream: MessageStream;
  readonly encode: (response: Partial<LinkResponse>) => Frame;
  /** The service as it may be shown now; undefined while its slot is not led completely. */
  readonly readable: (key: ServiceKey) => RegisteredService | undefined;
}

export class SessionPeer {
  /** Member key of the session. */
  readonly session: string;
  readonly #ports: SessionPeerPorts;
  readonly #interests: Deliveries<ServiceKey>;
  #results: WriteResult[] = [];
  #reported: SlotReport[] = [];
  #answers: ServicesAnswer[] = [];
  readonly #scheduleFlush: () => void;

  constructor(session: string, ports: SessionPeerPorts) {
    this.session = session;
    this.#ports = ports;
    this.#scheduleFlush = oncePerTurn(ports.clock, () => this.#flush());
    this.#interests = new Deliveries(
      (key) => ports.readable(key)?.datum,
      () => this.#scheduleFlush(),
    );
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
    this.#interests.receipt(textFromServiceKey(receipt.key), receipt);
  }

  result(result: WriteResult): void {
    this.#results.push(result);
    this.#scheduleFlush();
  }

  report(report: SlotReport): void {
    this.#reported.push(report);
    this.#scheduleFlush();
  }

  answer(answer: ServicesAnswer): void {
    this.#answers.push(answer);
    this.#scheduleFlush();
  }

  drained(): void {
    this.#scheduleFlush();
  }

  sweep(now: number): void {
    if (!this.#ports.stream.congested) this.#interests.sweep(now);
  }

  #flush(): void {
    const { stream, encode, clock } = this.#ports;
    if (stream.congested) return;
    let notifications: Update[] = [];
    let bytes = 0;
    for (const { datum, held } of this.#interests.due(clock.now())) {
      const update = updateFor(datum, held, NO_FILTER);
      notifications.push(update);
      for (const instance of update.instances) bytes += instance.bytes.length;
      if (bytes < FRAME_BYTES_AIM) continue;
      stream.send(encode({ notifications }));
      notifications = [];
      bytes = 0;
      // The rest goes when the link has carried this: what has not left yet still coalesces.
      if (stream.congested) break;
    }
    const response = { results: this.#results, reported: this.#reported, answers: this.#answers, notifications };
    if (Object.values(response).every((list) => list.length === 0)) return;
    this.#results = [];
    this.#reported = [];
    this.#answers = [];
    stream.send(encode(response));
  }
}
