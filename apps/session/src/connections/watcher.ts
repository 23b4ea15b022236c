/**
 * A receiver without receipts and without state: every push is a snapshot, and the next one goes out when the stream
 * can carry it. So a watcher that reads slowly sees fewer pushes, always the newest. One that was shown a list that
 * nobody vouched for is told when somebody does.
 */

import {
  compareVersions,
  oncePerTurn,
  sameDigest,
  type Clock,
  type Digest,
  type MessageStream,
  type Version,
} from "@rollcall/core";

import type { PushSwitch } from "../pushes/push-switch.ts";
import type { UsedView, Viewer } from "../views/view.ts";

export interface WatcherPorts {
  readonly clock: Clock;
  readonly stream: MessageStream;
  readonly pushes: PushSwitch;
  /** Where the watcher comes from. */
  readonly address: string;
  /** Whether an operator has switched off that it is told anything. */
  readonly isOff: () => boolean;
}

export class Watcher implements Viewer {
  readonly #ports: WatcherPorts;
  readonly #used: UsedView;
  #sent: { readonly digest: Digest; readonly version: Version; readonly confirmed: boolean } | undefined;
  readonly viewChanged: () => void;

  constructor(used: UsedView, ports: WatcherPorts) {
    this.#ports = ports;
    this.#used = used;
    this.viewChanged = oncePerTurn(ports.clock, () => this.#flush());
    used.view.viewers.add(this);
    this.viewChanged();
  }

  /** There are no receipts: what was handed to the stream is all that can be known. */
  hasBeenTold(version: Version): boolean {
    if (this.#ports.isOff()) return true;
    if (this.#sent === undefined) return false;
    return (
      compareVersions(this.#sent.version, version) >= 0 || sameDigest(this.#sent.digest, this.#used.view.datum.digest)
    );
  }

  close(): void {
    this.#used.view.viewers.delete(this);
    this.#used.acknowledged(this);
    this.#used.release();
  }

  #flush(): void {
    const { view } = this.#used;
    const { shown } = view;
    const { stream, pushes, address } = this.#ports;
    if (shown === undefined || stream.congested) return;
    if (this.#ports.isOff() || pushes.holds(view, { clientId: "", address }) !== undefined) return;
    const { digest, version } = shown.datum;
    const isNews = this.#sent === undefined || !sameDigest(this.#sent.digest, digest);
    if (!isNews && this.#sent?.confirmed === shown.confirmed) return;
    this.#sent = { digest, version, confirmed: shown.confirmed };
    for (const frame of view.framesFor(undefined)) stream.send(frame);
    this.#used.acknowledged(this);
  }
}
