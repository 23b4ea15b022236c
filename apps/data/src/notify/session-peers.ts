/** The sessions that are linked to this node, all at once. */

import type { SessionPeer } from "./session-peer.ts";

export class SessionPeers {
  readonly #peers = new Set<SessionPeer>();

  get size(): number {
    return this.#peers.size;
  }

  [Symbol.iterator](): IterableIterator<SessionPeer> {
    return this.#peers.values();
  }

  add(peer: SessionPeer): void {
    this.#peers.add(peer);
  }

  delete(peer: SessionPeer): void {
    this.#peers.delete(peer);
  }

  isLinked(session: string): boolean {
    for (const peer of this.#peers) if (peer.session === session) return true;
    return false;
  }

  areLinked(sessions: readonly string[]): boolean {
    return sessions.every((session) => this.isLinked(session));
  }

  /** Whether any of them has interest in the service. */
  want(keyText: string): boolean {
    for (const peer of this.#peers) if (peer.wants(keyText)) return true;
    return false;
  }

  /** Whether any of them has interest in the list of services of a namespace. */
  wantServices(namespace: string): boolean {
    for (const peer of this.#peers) if (peer.wantsServices(namespace)) return true;
    return false;
  }

  /** The list of services of the namespace is other than it was. */
  servicesChanged(namespace: string): void {
    for (const peer of this.#peers) peer.servicesChanged(namespace);
  }

  /** The service is other than it was. */
  changed(keyText: string): void {
    for (const peer of this.#peers) peer.changed(keyText);
  }

  /** Anything may be other than it was, or may be shown now. */
  allChanged(): void {
    for (const peer of this.#peers) peer.allChanged();
  }

  sweep(now: number): void {
    for (const peer of this.#peers) peer.sweep(now);
  }
}
