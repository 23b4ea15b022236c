/** What a verb is given of the cluster: the meta that leads, asked in the name of whoever decides. */

import { setTimeout } from "node:timers/promises";

import { ConnectError, createClient, type CallOptions, type Client } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { RegistryError, type Control, type ControlRecord } from "@rollcall/core";
import {
  ControlService,
  MetaService,
  controlRecordFromWire,
  errorDetailCodec,
  wireFromControlRecord,
} from "@rollcall/protocol";
import { registryErrorFromConnectError } from "@rollcall/runtime";

import { CommandFailure } from "../failure.ts";
import type { CommandPorts } from "../ports.ts";

/** Time between two questions whether all nodes act by what was decided, in milliseconds. */
const WAIT_AGAIN_MS = 50;

export interface OperatorOptions {
  /** Metas to ask. */
  readonly addresses: readonly string[];
  /** How long each answer may take. */
  readonly timeoutMs: number;
  readonly author: string;
  readonly reason: string;
  readonly expiresInMs: number | undefined;
  /** The version that the record has to be at, 0 for none. */
  readonly expectedVersion: number | undefined;
  /** How long to wait until all nodes act by what was decided, in milliseconds; undefined for not at all. */
  readonly waitMs: number | undefined;
}

/** The services of the meta that leads. */
export interface Services {
  readonly control: Client<typeof ControlService>;
  readonly meta: Client<typeof MetaService>;
}

export interface Records {
  readonly records: readonly ControlRecord[];
  readonly version: number;
}

export class Operator {
  readonly ports: CommandPorts;
  readonly #options: OperatorOptions;

  constructor(options: OperatorOptions, ports: CommandPorts) {
    this.#options = options;
    this.ports = ports;
  }

  get author(): string {
    return this.#options.author;
  }

  get reason(): string {
    return this.#options.reason;
  }

  get timeoutMs(): number {
    return this.#options.timeoutMs;
  }

  set(control: Control): Promise<ControlRecord> {
    const { author, reason, expiresInMs, expectedVersion } = this.#options;
    return this.put({ author, reason, expiresInMs, control }, expectedVersion);
  }

  /** Decides what is in a record, by its author and reason if it has any. */
  put(
    { author, reason, expiresInMs, control }: Pick<ControlRecord, "author" | "reason" | "expiresInMs" | "control">,
    expectedVersion: number | undefined,
  ): Promise<ControlRecord> {
    const record = wireFromControlRecord({
      id: "",
      version: 0,
      author: author || this.#options.author,
      reason: reason || this.#options.reason,
      decidedAt: "",
      expiresInMs,
      control,
    });
    return this.ask(async (services, call) => {
      const answer = await services.control.setControl({ record, ...expected(expectedVersion) }, call);
      return controlRecordFromWire(answer.record!);
    });
  }

  /** Resolves with the version at which it was taken back; undefined when there was nothing to take back. */
  remove(id: string): Promise<number | undefined> {
    const { expectedVersion } = this.#options;
    if (expectedVersion !== undefined) return this.removeAt(id, expectedVersion);
    return this.ask(async (services, call) => {
      const { records } = await services.control.listControls({ prefix: id }, call);
      if (!records.some((record) => record.id === id)) return undefined;
      return this.#remove({ id }, services, call);
    });
  }

  /** Takes the record back that is at this version; resolves with the version at which it was. */
  removeAt(id: string, expectedVersion: number): Promise<number> {
    return this.ask((services, call) => this.#remove({ id, ...expected(expectedVersion) }, services, call));
  }

  async #remove(
    asked: { readonly id: string; readonly expectedVersion?: bigint },
    { control }: Services,
    call: CallOptions,
  ): Promise<number> {
    const { author, reason } = this.#options;
    return Number((await control.removeControl({ ...asked, author, reason }, call)).version);
  }

  /** The records whose ids begin so, in the order of their ids. */
  list(prefix = ""): Promise<Records> {
    return this.ask(async ({ control }, call) => {
      const { records, version } = await control.listControls({ prefix }, call);
      return { records: records.map(controlRecordFromWire), version: Number(version) };
    });
  }

  /**
   * Resolves when all nodes that are members act by what was decided up to this version; at once when nobody wants to wait.
   * @throws CommandFailure naming those that do not in time. What was decided stands all the same.
   */
  async waitUntilApplied(version: number): Promise<void> {
    const { waitMs } = this.#options;
    if (waitMs === undefined) return;
    const endsAt = performance.now() + waitMs;
    for (;;) {
      const { behind } = await this.ask(({ control }, call) => control.getBehind({ version: BigInt(version) }, call));
      if (behind.length === 0) return;
      if (performance.now() > endsAt) {
        const who = behind.map(({ nodeId }) => nodeId).join(", ");
        throw new CommandFailure(`decided as version ${version}, but not applied by ${who} within ${waitMs} ms`);
      }
      await setTimeout(WAIT_AGAIN_MS, undefined, { signal: this.ports.interrupted });
    }
  }

  /** Asks the first meta that answers, and the one it names when it does not lead. */
  async ask<Answer>(ask: (services: Services, call: CallOptions) => Promise<Answer>): Promise<Answer> {
    const { addresses, timeoutMs } = this.#options;
    const left = [...addresses];
    let why = "no address";
    for (let tries = 0; tries <= addresses.length; tries++) {
      const address = left.shift();
      if (address === undefined) break;
      const transport = createConnectTransport({ baseUrl: `http://${address}`, httpVersion: "1.1" });
      const services = { control: createClient(ControlService, transport), meta: createClient(MetaService, transport) };
      try {
        return await ask(services, { timeoutMs, signal: this.ports.interrupted });
      } catch (thrown) {
        const failure = failureFrom(thrown);
        if (failure.reason === "not_leader" && failure.subject !== undefined) left.unshift(failure.subject.limit);
        else if (!["unavailable", "not_ready", "deadline_exceeded"].includes(failure.reason)) throw failure;
        why = failure.message;
      }
    }
    throw new CommandFailure(`no meta that leads answers at ${addresses.join(", ")}: ${why}`);
  }
}

function expected(version: number | undefined): { readonly expectedVersion?: bigint } {
  return version === undefined ? {} : { expectedVersion: BigInt(version) };
}

function failureFrom(thrown: unknown): RegistryError {
  if (thrown instanceof RegistryError) return thrown;
  return registryErrorFromConnectError(ConnectError.from(thrown), errorDetailCodec);
}
