/**
 * Barriers: has every live subscriber of a service been told what happened at a version of it (D10)? The leader of the
 * slot asks every session that may have subscribers, and answers the session that asked for its client: now and then who
 * is behind, and last that nobody is. Nothing here has to survive: the one asks again every second, and so does the
 * other, so lost messages, links and leaders are made up for by the next question.
 *
 * All sessions are asked, whatever their interests: one that has just linked may have a copy that it shows and of which it
 * has not told yet. One that cannot be asked counts as behind, for its subscribers may see an old list, until it is no
 * member any more and its end has been seen: a link that was closed or reset, which takes its clients' connections along.
 * One that fell silent may live on the far side of a broken network, and counts for as long as its clients' registrations.
 */

import {
  compareVersions,
  formatVersion,
  isPassed,
  textFromServiceKey,
  type Barrier,
  type Behind,
  type Held,
  type ServiceKey,
  type ToldAnswer,
  type ToldQuestion,
} from "@rollcall/core";

import type { SessionPeer } from "./session-peer.ts";

/** Sessions that have not said that all are told are asked again after so long, in milliseconds. */
const ASK_AGAIN_MS = 1_000;

/** A barrier that is not asked again for so long, in milliseconds, nobody waits for. */
const FORGET_MS = 5_000;

export interface BarriersPorts {
  /** Sessions that are linked now. */
  readonly linked: () => Iterable<SessionPeer>;
  /** Sessions that are members, or were and may live. */
  readonly known: () => { readonly members: Iterable<string>; readonly absent: Iterable<string> };
  /** The service as it is here; undefined unless this node leads its slot. */
  readonly heldOf: (key: ServiceKey) => Held | undefined;
}

/** One question, put to all sessions. */
interface Round {
  readonly question: ToldQuestion;
  /** Those who wait for its outcome, and when they asked last. */
  readonly askers: Map<string, { readonly peer: SessionPeer; readonly sequence: number; askedAt: number }>;
  /** How many subscribers are behind, by session, as it has said last. */
  readonly said: Map<string, number>;
  putAt: number;
}

export class Barriers {
  readonly #ports: BarriersPorts;
  readonly #rounds = new Map<string, Round>();
  /** Sessions whose link was closed or reset, and that have not linked again. */
  readonly #ended = new Set<string>();

  constructor(ports: BarriersPorts) {
    this.#ports = ports;
  }

  /** Questions that are open. */
  get size(): number {
    return this.#rounds.size;
  }

  ask(peer: SessionPeer, { sequence, key, version }: Barrier, now: number): void {
    const asker = `${peer.session} ${sequence}`;
    const held = this.#ports.heldOf(key);
    // Not the leader, or not yet: it is asked again, perhaps of another one.
    if (held === undefined || compareVersions(held.version, version) < 0) return;
    const known = this.#roundOf(asker);
    if (known !== undefined) {
      known.askers.set(asker, { peer, sequence, askedAt: now });
      this.#settle(known);
      return;
    }
    const round = this.#roundAt({ key, held }, now);
    round.askers.set(asker, { peer, sequence, askedAt: now });
    this.#put(round, now);
    this.#settle(round);
  }

  told(peer: SessionPeer, { key, version, subscribers }: ToldAnswer): void {
    const round = this.#rounds.get(textOf(key, version));
    // Once all have been told they stay so: an answer that was late says nothing.
    if (round === undefined || round.said.get(peer.session) === 0) return;
    round.said.set(peer.session, subscribers);
    if (subscribers === 0) this.#settle(round);
  }

  joined(peer: SessionPeer): void {
    this.#ended.delete(peer.session);
    for (const { question, said } of this.#rounds.values()) if (said.get(peer.session) !== 0) peer.askTold(question);
  }

  /** @param hasEnded its process is known to have let go of the link, and of its clients with it */
  parted(peer: SessionPeer, hasEnded: boolean): void {
    if (hasEnded) this.#ended.add(peer.session);
    for (const round of this.#rounds.values())
      for (const [id, asker] of round.askers) if (asker.peer === peer) round.askers.delete(id);
  }

  sweep(now: number): void {
    for (const [text, round] of this.#rounds) {
      for (const [id, { askedAt }] of round.askers) if (now - askedAt >= FORGET_MS) round.askers.delete(id);
      if (round.askers.size === 0 || this.#ports.heldOf(round.question.key) === undefined) this.#rounds.delete(text);
      else if (now - round.putAt >= ASK_AGAIN_MS) {
        this.#put(round, now);
        this.#settle(round);
      }
    }
    const { members, absent } = this.#ports.known();
    const known = new Set([...members, ...absent]);
    for (const session of this.#ended) if (!known.has(session)) this.#ended.delete(session);
  }

  #roundOf(asker: string): Round | undefined {
    for (const round of this.#rounds.values()) if (round.askers.has(asker)) return round;
    return undefined;
  }

  #roundAt(question: ToldQuestion, now: number): Round {
    const text = textOf(question.key, question.held.version);
    const known = this.#rounds.get(text);
    if (known !== undefined) return known;
    const round: Round = { question, askers: new Map(), said: new Map(), putAt: now };
    this.#rounds.set(text, round);
    return round;
  }

  #put(round: Round, now: number): void {
    round.putAt = now;
    for (const peer of this.#ports.linked()) if (round.said.get(peer.session) !== 0) peer.askTold(round.question);
  }

  /** Tells those who wait how it stands, and lets go of what is passed. */
  #settle(round: Round): void {
    if (this.#ports.heldOf(round.question.key) === undefined) return;
    const behind = this.#behind(round);
    for (const { peer, sequence } of round.askers.values()) peer.answerBarrier({ sequence, ...behind });
    if (isPassed(behind)) this.#rounds.delete(textOf(round.question.key, round.question.held.version));
  }

  #behind({ said }: Round): Behind {
    const { members, absent } = this.#ports.known();
    const expected = new Set(members);
    for (const session of absent) if (!this.#ended.has(session)) expected.add(session);
    for (const { session } of this.#ports.linked()) expected.add(session);
    let [subscribers, sessions] = [0, 0];
    for (const session of expected) {
      const count = said.get(session);
      if (count === undefined) sessions++;
      else subscribers += count;
    }
    return { subscribers, sessions };
  }
}

function textOf(key: ServiceKey, version: Held["version"]): string {
  return `${textFromServiceKey(key)} ${formatVersion(version)}`;
}
