/**
 * Probes over the network. A name is resolved first, what it stands for is checked, and it is these very addresses that are
 * asked: a name that stands for something else a moment later leads nowhere.
 */

import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";

import type { ProbeOrder } from "@rollcall/core";

import { AddressRanges, DEFAULT_RANGES } from "../probes/address-ranges.ts";
import type { ProbeOutcome, Prober } from "../probes/prober.ts";
import { ask, type Place } from "./probe-questions.ts";

/** Of a name that stands for many, so many are tried. */
const ADDRESSES_MAX = 4;

const WHY_LENGTH = 200;

export class NetworkProber implements Prober {
  readonly #ranges: AddressRanges;

  constructor(ranges = new AddressRanges(DEFAULT_RANGES)) {
    this.#ranges = ranges;
  }

  probe(order: ProbeOrder, answered: (outcome: ProbeOutcome) => void): () => void {
    const giveUp = new AbortController();
    let isAwaited = true;
    void this.#probe(order, giveUp, (outcome) => {
      if (isAwaited) answered(outcome);
    });
    return () => {
      isAwaited = false;
      giveUp.abort();
    };
  }

  async #probe(order: ProbeOrder, giveUp: AbortController, answered: (outcome: ProbeOutcome) => void): Promise<void> {
    const { timeoutMs } = order.probe;
    const late = setTimeout(() => giveUp.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    let outcome: ProbeOutcome;
    try {
      outcome = await untilAborted(this.#outcomeOf(order, giveUp.signal), giveUp.signal);
    } catch (thrown) {
      outcome = { kind: "failed", why: whyOf(thrown) };
    }
    clearTimeout(late);
    // Whatever is still open is closed.
    giveUp.abort();
    answered(outcome);
  }

  async #outcomeOf({ address, probe }: ProbeOrder, signal: AbortSignal): Promise<ProbeOutcome> {
    const colon = address.lastIndexOf(":");
    const host = address.slice(0, colon).replaceAll(/[[\]]/g, "");
    const found = await addressesOf(host);
    const refusals = found.map((each) => this.#ranges.refusal(each.address));
    const addresses = found.filter((_, index) => refusals[index] === undefined).slice(0, ADDRESSES_MAX);
    if (addresses.length === 0) {
      const why = refusals.join("; ") || "it stands for no address";
      return { kind: "refused", why: isIP(host) === 0 ? `${host}: ${why}` : why };
    }
    const place: Place = { authority: address, host, port: Number(address.slice(colon + 1)), addresses };
    const why = await ask(place, probe, signal);
    return why === undefined ? { kind: "passed" } : { kind: "failed", why };
  }
}

async function addressesOf(host: string): Promise<LookupAddress[]> {
  const family = isIP(host);
  return family === 0 ? lookup(host, { all: true }) : [{ address: host, family }];
}

/** What does not hear of the end, such as the resolver, is left to itself. */
function untilAborted<Answer>(answer: Promise<Answer>, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    answer.then(resolve, reject);
  });
}

function whyOf(thrown: unknown): string {
  return (thrown instanceof Error ? thrown.message || thrown.name : String(thrown)).slice(0, WHY_LENGTH);
}
