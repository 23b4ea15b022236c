/**
 * The control records of the cluster, as the meta that leads keeps them: a decision counts from the moment it is durable.
 * Each change gets a version of its own, so that whoever decides can say which state he has seen.
 *
 * A record that ends by itself does so by this meta's clock. What is left of its time goes to the store now and then, so
 * that a restart lengthens it by a minute at most, and a wall clock that jumps changes nothing.
 */

import {
  RegistryError,
  checkControl,
  controlId,
  invalidField,
  limitExceeded,
  type Clock,
  type Control,
  type ControlChange,
  type ControlRecord,
  type Log,
} from "@rollcall/core";

import type { Leadership, StoredControls } from "../store/meta-store.ts";
import { ChangeLog, isChangeId, type ChangeCodec } from "./change-log.ts";
import { ControlNews } from "./control-news.ts";

/** Text of a record for the store. */
export interface ControlCodec {
  readonly write: (record: ControlRecord) => string;
  readonly read: (text: string) => ControlRecord;
  readonly changes: ChangeCodec;
}

export interface ControlsPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly leadership: Leadership;
  readonly codec: ControlCodec;
}

/** Who decides, why, and what he has seen. */
export interface Decision {
  readonly author: string;
  readonly reason: string;
  /** For people, see {@link ControlRecord.decidedAt}. */
  readonly decidedAt: string;
  /** The version of the record that he has seen, 0 for none; undefined when he does not care. */
  readonly expectedVersion: number | undefined;
}

/** How often what is left of records' time goes to the store, in milliseconds. */
const CHECKPOINT_MS = 60_000;

const RECORDS_MAX = 100_000;
const AUTHOR_LENGTH = 128;
const REASON_LENGTH = 512;
const EXPIRES_MAX_MS = 365 * 24 * 3_600_000;

/** What a change tells of whoever makes it. */
type Told = Omit<Decision, "expectedVersion">;

/** A record that ends by itself has no operator behind it. */
const TIME_IS_OVER: Told = { author: "meta", reason: "its time was over", decidedAt: "" };

interface Kept {
  readonly record: ControlRecord;
  /** Clock time; undefined when it does not end by itself. */
  readonly expiresAt: number | undefined;
}

export class Controls {
  /** What nodes are told. */
  readonly news: ControlNews;
  readonly #ports: ControlsPorts;
  readonly #changed: () => void;
  readonly #records = new Map<string, Kept>();
  readonly #changes: ChangeLog;
  #version: number;
  #checkpointAt: number;
  /** One change at a time: each is judged by what the one before has left. */
  #turn: Promise<unknown> = Promise.resolve();

  /** @param changed called when something else is decided than before */
  constructor({ version, records }: StoredControls, ports: ControlsPorts, changed: () => void) {
    this.#ports = ports;
    this.#changed = changed;
    this.#version = version;
    const now = ports.clock.now();
    this.#checkpointAt = now + CHECKPOINT_MS;
    this.#changes = new ChangeLog(records, ports.codec.changes);
    this.news = new ControlNews(version);
    const kept = [...records]
      .filter(([id]) => !isChangeId(id))
      .map(([, text]) => ({ record: ports.codec.read(text), text }));
    for (const { record, text } of kept.toSorted((a, b) => a.record.version - b.record.version)) {
      this.#keep(record, now);
      this.news.set(record, text.length);
    }
  }

  get version(): number {
    return this.#version;
  }

  list(prefix = ""): ControlRecord[] {
    const records = [...this.#records.values()].filter(({ record }) => record.id.startsWith(prefix));
    return records.map((kept) => this.#present(kept)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** What was decided of late, the newest `limit`, oldest first. */
  changes(limit?: number): ControlChange[] {
    return this.#changes.list(limit);
  }

  /** Whether something is decided. */
  has(control: Control): boolean {
    return this.#records.has(controlId(control));
  }

  /**
   * Decides something, in place of what was decided about the same before. Resolves when it is durable.
   * @throws RegistryError `invalid_field`, `limit_exceeded`; `conflict` when the record is not as expected.
   */
  set(control: Control, expiresInMs: number | undefined, decision: Decision): Promise<ControlRecord> {
    checkDecision(decision);
    checkControl(control);
    if (expiresInMs !== undefined && (expiresInMs < 1 || expiresInMs > EXPIRES_MAX_MS))
      throw invalidField("expires_in_ms", `from 1 to ${EXPIRES_MAX_MS}`, expiresInMs);
    return this.#inTurn(async () => {
      const id = controlId(control);
      this.#expect(id, decision);
      if (!this.#records.has(id) && this.#records.size >= RECORDS_MAX)
        throw limitExceeded("control records", `${RECORDS_MAX}`, this.#records.size + 1);
      const { author, reason, decidedAt } = decision;
      const version = this.#version + 1;
      const record: ControlRecord = { id, version, author, reason, decidedAt, expiresInMs, control };
      await this.#write(this.#change(id, decision, record));
      return record;
    });
  }

  /** Takes a decision back; resolves with the version. @throws RegistryError `invalid_field`, `conflict`. */
  remove(id: string, decision: Decision): Promise<number> {
    checkDecision(decision);
    return this.#inTurn(async () => {
      this.#expect(id, decision);
      if (!this.#records.has(id)) throw invalidField("id", "that of a control record", id);
      const change = this.#change(id, decision, undefined);
      await this.#write(change);
      return change.version;
    });
  }

  /** Ends records whose time is over, and keeps what is left of the others' time. */
  sweep(now: number): void {
    const over = [...this.#records].filter(([, { expiresAt }]) => expiresAt !== undefined && expiresAt <= now);
    for (const [id] of over) {
      void this.#inTurn(async () => {
        const kept = this.#records.get(id);
        if (kept?.expiresAt === undefined || kept.expiresAt > this.#ports.clock.now()) return;
        await this.#write(this.#change(id, TIME_IS_OVER, undefined));
      }).catch(() => {
        // The next sweep tries again.
      });
    }
    if (now < this.#checkpointAt) return;
    this.#checkpointAt = now + CHECKPOINT_MS;
    const left = [...this.#records.values()].filter(({ expiresAt }) => expiresAt !== undefined);
    if (left.length === 0) return;
    void this.#inTurn(() => {
      const { codec, leadership } = this.#ports;
      const texts = left.map((kept) => [kept.record.id, codec.write(this.#present(kept))] as const);
      return leadership.writeControls(this.#version, new Map(texts));
    }).catch(() => {});
  }

  #expect(id: string, { expectedVersion }: Decision): void {
    const present = this.#records.get(id)?.record.version ?? 0;
    if (expectedVersion === undefined || expectedVersion === present) return;
    throw new RegistryError("conflict", `${id} is at version ${present}, not at ${expectedVersion} as expected`, {
      subject: { field: "expected_version", limit: `${present}`, value: `${expectedVersion}` },
    });
  }

  #change(id: string, { author, reason, decidedAt }: Told, after: ControlRecord | undefined): ControlChange {
    return { id, version: this.#version + 1, author, reason, decidedAt, before: this.#records.get(id)?.record, after };
  }

  async #write(change: ControlChange): Promise<void> {
    const { clock, codec, leadership, log } = this.#ports;
    const { id, version, author, reason, before, after } = change;
    const entry = this.#changes.plan(change);
    const text = after && codec.write(after);
    await leadership.writeControls(version, new Map([[id, text], ...entry.texts]));
    entry.commit();
    this.#version = version;
    if (after !== undefined) {
      this.#keep(after, clock.now());
      this.news.set(after, text?.length ?? 0);
    } else if (before !== undefined) {
      this.#records.delete(id);
      this.news.remove(before, version);
    }
    const decision = after?.control ?? "taken back";
    log.info("control record changed", { id, version, versionBefore: before?.version ?? 0, author, reason, decision });
    this.#changed();
  }

  #keep(record: ControlRecord, now: number): void {
    const { expiresInMs } = record;
    this.#records.set(record.id, { record, expiresAt: expiresInMs === undefined ? undefined : now + expiresInMs });
  }

  /** The record with what is left of its time. */
  #present({ record, expiresAt }: Kept): ControlRecord {
    if (expiresAt === undefined) return record;
    return { ...record, expiresInMs: Math.max(1, Math.round(expiresAt - this.#ports.clock.now())) };
  }

  #inTurn<Result>(act: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(act, act);
    this.#turn = result.catch(() => {});
    return result;
  }
}

function checkDecision({ author, reason }: Decision): void {
  if (author.trim() === "" || author.length > AUTHOR_LENGTH)
    throw invalidField("author", `1 to ${AUTHOR_LENGTH} characters`, author);
  if (reason.length > REASON_LENGTH) throw invalidField("reason", `at most ${REASON_LENGTH} characters`, reason);
}
