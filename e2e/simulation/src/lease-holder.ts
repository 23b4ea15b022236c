/**
 * A client without a connection: it registers one instance by a call and renews its lease by calls, to any session, and
 * registers again when it is told that its lease is not known. Every word goes into the history.
 */

import { RegistryError } from "@rollcall/core";
import { RegistryService, versionFromWire } from "@rollcall/protocol";
import type { HistoryRecorder, SeededRandom } from "@rollcall/testing";

import type { CallSession, World } from "./world.ts";

export const LEASE_MS = 15_000;

/** A call that is not answered within so long, in milliseconds, is given up. */
const CALL_MAX_MS = 3_000;

const { register, renew, unregister } = RegistryService.method;

export class LeaseHolder {
  readonly name: string;
  readonly #service: string;
  readonly #world: World;
  readonly #call: CallSession;
  readonly #history: HistoryRecorder;
  readonly #random: SeededRandom;
  /** Its calls arrive nowhere. */
  isCutOff = false;
  #isRegistered = false;
  #hasEnded = false;

  constructor(name: string, service: string, world: World, call: CallSession) {
    this.name = name;
    this.#service = service;
    this.#world = world;
    this.#call = call;
    this.#history = world.history;
    this.#random = world.random.fork(`lease of ${name}`);
  }

  /** Registers, and renews three times a lease until its end. */
  async live(): Promise<void> {
    while (!this.#hasEnded) {
      if (this.#isRegistered) await this.#renew();
      else await this.#register();
      await this.#world.elapse(this.#isRegistered ? LEASE_MS / 3 - this.#random.between(0, 500) : 500);
    }
  }

  /** Takes itself out. A renewal that is late is answered with nothing that would bring it back. */
  async leave(): Promise<void> {
    this.#hasEnded = true;
    const what = { client: this.name, service: this.#key, instanceId: this.name };
    const asked = this.#history.record({ kind: "unregister", ...what });
    const answer = await this.#calling(unregister, { key: { service: this.#service }, instanceId: this.name });
    if (answer === undefined) return;
    this.#history.record({ kind: "unregistered", answers: asked, version: versionFromWire(answer.version as never) });
    await this.#world.elapse(this.#random.between(0, 2_000));
    await this.#renew();
  }

  /** Makes no further calls. */
  rest(): void {
    this.#hasEnded = true;
  }

  crash(): void {
    this.#hasEnded = true;
    this.#history.record({ kind: "client crashed", client: this.name });
  }

  get #key(): string {
    return `default/default/${this.#service}`;
  }

  async #register(): Promise<void> {
    const address = `${this.name}.test:80`;
    const content = `${address} tcp `;
    const what = { client: this.name, service: this.#key, instanceId: this.name, content };
    const asked = this.#history.record({ kind: "register", ...what });
    const answer = await this.#calling(register, {
      key: { service: this.#service },
      instance: { id: this.name, address },
      leaseMs: LEASE_MS,
    });
    if (answer === undefined) return;
    this.#isRegistered = true;
    this.#history.record({ kind: "registered", answers: asked, version: versionFromWire(answer.version as never) });
  }

  /** Now and then twice, as a call that is tried again when its answer was lost. */
  async #renew(): Promise<void> {
    const request = { key: { service: this.#service }, instanceId: this.name };
    const times = this.#random.chance(0.1) ? 2 : 1;
    for (let time = 0; time < times; time++) await this.#calling(renew, request);
  }

  /** What the call was answered; undefined when it was not, or with a failure. */
  async #calling(...[method, request]: Parameters<CallSession>): Promise<Awaited<ReturnType<CallSession>> | undefined> {
    if (this.isCutOff) return undefined;
    const answered = this.#call(method, request).catch((thrown: unknown) => {
      if (RegistryError.fromUnknown(thrown).reason === "unknown_registration") this.#isRegistered = false;
      return undefined;
    });
    return Promise.race([answered, this.#world.elapse(CALL_MAX_MS).then(() => undefined)]);
  }
}
