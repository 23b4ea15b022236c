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
  type Filter,
  type MessageStream,
  type ServiceKey,
  type Version,
} from "@rollcall/core";

import type { Interests } from "../views/interests.ts";
import type { ServiceCopy } from "../views/service-copy.ts";
import type { View, Viewer } from "../views/view.ts";

export interface WatcherPorts {
  readonly clock: Clock;
  readonly stream: MessageStream;
  readonly interests: Interests;
}

export class Watcher implements Viewer {
  readonly #ports: WatcherPorts;
  readonly #copy: ServiceCopy;
  readonly #view: View;
  #sent: { readonly digest: Digest; readonly version: Version; readonly confirmed: boolean } | undefined;
  readonly viewChanged: () => void;

  constructor(key: ServiceKey, filter: Filter, ports: WatcherPorts) {
    this.#ports = ports;
    this.viewChanged = oncePerTurn(ports.clock, () => this.#flush());
    this.#copy = ports.interests.use(key);
    this.#view = this.#copy.view(filter);
    this.#view.viewers.add(this);
    this.viewChanged();
  }

  /** There are no receipts: what was handed to the stream is all that can be known. */
  hasBeenTold(version: Version): boolean {
    if (this.#sent === undefined) return false;
    return compareVersions(this.#sent.version, version) >= 0 || sameDigest(this.#sent.digest, this.#view.datum.digest);
  }

  close(): void {
    this.#view.viewers.delete(this);
    this.#copy.closeView(this.#view);
    this.#copy.acknowledged(this);
    this.#ports.interests.release(this.#copy);
  }

  #flush(): void {
    const { shown } = this.#view;
    if (shown === undefined || this.#ports.stream.congested) return;
    const { digest, version } = shown.datum;
    const isNews = this.#sent === undefined || !sameDigest(this.#sent.digest, digest);
    if (!isNews && this.#sent?.confirmed === shown.confirmed) return;
    this.#sent = { digest, version, confirmed: shown.confirmed };
    for (const frame of this.#view.framesFor(undefined)) this.#ports.stream.send(frame);
    this.#copy.acknowledged(this);
  }
}
