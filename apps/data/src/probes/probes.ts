/**
 * Probes of what is registered in the slots this node leads. Only leaders probe: they alone change datums, and a mark
 * travels with the claim to followers and to disk, so that whoever leads next goes on with what was known. What nobody has
 * found out yet stays as it is.
 */

import { DurationHistogram, type Log, type ProbeOrder, type SlotId } from "@rollcall/core";

import type { Claim } from "../datums/claim.ts";
import type { DatumStore } from "../datums/datum-store.ts";
import type { OwnershipChange } from "../slots/ownership.ts";
import type { SlotWatcher } from "../storage.ts";
import { ProbeGuard } from "./probe-guard.ts";
import { ProbeTurns, type ProbeTurnsPorts } from "./probe-turns.ts";
import type { ProbeOutcome } from "./prober.ts";
import { afterAnswer, verdictOnce, type Verdict } from "./verdict.ts";

export interface ProbesPorts extends ProbeTurnsPorts {
  readonly log: Log;
  /** What the encoded instance wants to be asked, if anything. */
  readonly orderOf: (instance: Uint8Array) => ProbeOrder | undefined;
  /** Whether this node leads the slot completely. */
  readonly leads: (slot: SlotId) => boolean;
  /** This node seems to be without a network. */
  readonly isCutOff: () => boolean;
  /** Marks a claim, or takes the mark away. */
  readonly judged: (claim: Claim, unhealthy: boolean, why: string) => void;
}

/** An instance that is probed. */
interface Target {
  readonly claim: Claim;
  readonly order: ProbeOrder;
  verdict: Verdict;
  /** When it passed last; when the first of the failures since then was. By the clock, -Infinity for never. */
  passedAt: number;
  failingSince: number | undefined;
  /** What was wrong the last time. */
  why: string;
}

/** Others that are asked at once when there is no sign that this node reaches anybody. */
const OPINIONS = 8;

/** Looks at probes that come this late, in milliseconds, mean that the process stood still: answers came to nobody. */
const STALL_MS = 1_500;

export class Probes implements SlotWatcher {
  readonly #datums: DatumStore;
  readonly #ports: ProbesPorts;
  readonly #targets = new Map<Claim, Target>();
  readonly #turns: ProbeTurns<Target>;
  readonly #guard = new ProbeGuard();
  /** Claims that changed, are to be probed or were, and were not looked at yet. */
  readonly #changed = new Set<Claim>();
  /** Those that are to be marked as soon as the guard lets it. */
  readonly #toMark = new Set<Target>();
  readonly #times = new DurationHistogram();
  readonly #counts = { passed: 0, failed: 0, refused: 0 };
  #sweptAt: number;

  constructor(datums: DatumStore, ports: ProbesPorts) {
    this.#datums = datums;
    this.#ports = ports;
    this.#turns = new ProbeTurns(ports, (target, outcome, tookMs) => this.#answered(target, outcome, tookMs));
    this.#sweptAt = ports.clock.now();
  }

  /** What there is to measure. */
  get measured() {
    return {
      ...this.#counts,
      times: this.#times,
      targets: this.#targets.size,
      unhealthy: [...this.#targets.keys()].filter(({ unhealthy }) => unhealthy).length,
      held: this.#toMark.size,
      episodes: this.#guard.episodes,
    };
  }

  changed(claim: Claim): void {
    const { leads, orderOf } = this.#ports;
    if (!leads(claim.service.slot)) return;
    // Nearly all ask for no probe, and are not kept in mind for it.
    const isConcerned = this.#targets.has(claim) || claim.unhealthy || orderOf(claim.bytes) !== undefined;
    if (isConcerned) this.#changed.add(claim);
  }

  discarded(claim: Claim): void {
    this.#forget(claim);
  }

  ownershipChanged({ slot, before, after }: OwnershipChange): void {
    if (after.kind === "leading") {
      for (const claim of this.#datums.of(slot)?.claims() ?? []) this.changed(claim);
    } else if (before.kind === "leading") {
      for (const claim of this.#targets.keys()) if (claim.service.slot === slot) this.#forget(claim);
    }
  }

  completed(): void {}

  dropped(): void {}

  sweep(now: number): void {
    if (this.#hasStood(now)) this.#turns.interrupted();
    this.#sweptAt = now;
    for (const claim of this.#changed) this.#look(claim);
    this.#changed.clear();
    this.#turns.sweep(now);
    this.#mark(now);
  }

  stop(): void {
    this.#turns.stop();
  }

  #hasStood(now: number): boolean {
    return now - this.#sweptAt > STALL_MS;
  }

  /** A claim is new here, or other than before. */
  #look(claim: Claim): void {
    const { judged, leads, orderOf } = this.#ports;
    if (!leads(claim.service.slot)) return;
    const order = claim.removed ? undefined : orderOf(claim.bytes);
    const known = this.#targets.get(claim);
    if (order !== undefined && known !== undefined && sameOrder(order, known.order)) {
      // Whoever went and came back is taken for healthy again.
      if (known.verdict.unhealthy && !claim.unhealthy && !this.#toMark.has(known)) known.verdict = verdictOnce(false);
      return;
    }
    this.#forget(claim);
    if (order !== undefined) {
      const verdict = verdictOnce(claim.unhealthy);
      const target: Target = { claim, order, verdict, passedAt: -Infinity, failingSince: undefined, why: "" };
      this.#targets.set(claim, target);
      this.#turns.add(target, order);
    } else if (claim.unhealthy) judged(claim, false, "it asks for no probe any more");
  }

  #forget(claim: Claim): void {
    const target = this.#targets.get(claim);
    if (target === undefined) return;
    this.#targets.delete(claim);
    this.#toMark.delete(target);
    this.#turns.remove(target);
  }

  #answered(target: Target, outcome: ProbeOutcome, tookMs: number): void {
    const now = this.#ports.clock.now();
    // An answer that nobody could hear in time is none.
    if (this.#hasStood(now)) return;
    this.#times.observe(tookMs);
    this.#counts[outcome.kind]++;
    if (outcome.kind === "refused") {
      this.#refused(target, outcome.why);
      return;
    }
    const { claim, order } = target;
    const passed = outcome.kind === "passed";
    target.verdict = afterAnswer(target.verdict, passed, order.probe);
    target.passedAt = passed ? now : target.passedAt;
    target.failingSince = passed ? undefined : (target.failingSince ?? now);
    target.why = passed ? "" : outcome.why;
    const { unhealthy } = target.verdict;
    if (unhealthy && !claim.unhealthy && !passed) this.#toMark.add(target);
    else this.#toMark.delete(target);
    if (claim.unhealthy && !unhealthy) this.#judged(target, false, "it answers its probe again");
  }

  /** Its address may not be probed, which says nothing of it: it stays what it was. */
  #refused(target: Target, why: string): void {
    const { service, instanceId } = target.claim;
    if (target.why !== why)
      this.#ports.log.warn("an instance is not probed", { service: service.keyText, instance: instanceId, why });
    target.why = why;
  }

  /** Marks those that are to be, if that is to be believed. */
  #mark(now: number): void {
    if (this.#toMark.size === 0 && this.#guard.state === "calm") return;
    const targets = [...this.#targets.values()];
    const passing = targets.filter(({ failingSince, passedAt }) => failingSince === undefined && passedAt > -Infinity);
    const began = Math.min(...[...this.#toMark].map(({ failingSince }) => failingSince ?? now));
    const stale = passing.filter(({ passedAt }) => passedAt < began);
    const before = this.#guard.state;
    const mayMark = this.#guard.mayMark({
      now,
      failing: targets.filter(({ failingSince }) => failingSince !== undefined).length,
      passing: passing.length,
      passedSince: passing.length - stale.length,
      isCutOff: this.#ports.isCutOff(),
    });
    if (this.#guard.state !== before) this.#tell();
    // What failed while failing was not believed counts for nothing: it may be on the way back as the others are.
    if (before === "holding" && this.#guard.state === "calm") this.#beginAnew();
    if (mayMark) {
      for (const target of this.#toMark) this.#judged(target, true, `its probe failed: ${target.why}`);
      this.#toMark.clear();
    } else if (passing.length === stale.length) {
      for (const target of stale.slice(0, OPINIONS)) this.#turns.hasten(target);
    }
  }

  #beginAnew(): void {
    for (const target of this.#targets.values()) if (!target.claim.unhealthy) target.verdict = verdictOnce(false);
    this.#toMark.clear();
  }

  #judged({ claim }: Target, unhealthy: boolean, why: string): void {
    const { service, instanceId } = claim;
    this.#ports.log.info(unhealthy ? "an instance is unhealthy" : "an instance is healthy again", {
      service: service.keyText,
      instance: instanceId,
      why,
    });
    this.#ports.judged(claim, unhealthy, why);
  }

  #tell(): void {
    const fields = { toMark: this.#toMark.size, probed: this.#targets.size };
    switch (this.#guard.state) {
      case "holding":
        this.#ports.log.warn(
          "probes that fail are not believed: too many do, or this node is cut off; no instance is marked unhealthy",
          fields,
        );
        break;
      case "believing":
        this.#ports.log.warn("many probes fail while others pass; these instances are marked unhealthy", fields);
        break;
      case "calm":
        this.#ports.log.info("probes fail no more than is usual", fields);
        break;
    }
  }
}

function sameOrder(a: ProbeOrder, b: ProbeOrder): boolean {
  return a.address === b.address && JSON.stringify(a.probe) === JSON.stringify(b.probe);
}
