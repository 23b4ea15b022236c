/**
 * Control records: decisions of operators, kept by meta until somebody takes them back. Each is about one thing, which
 * its id names, so that deciding again about the same thing replaces what was decided before.
 */

/** What can be decided. */
export interface Control {
  /** `rebalance off`: no slot is moved to make things even. A lost leader is replaced all the same. */
  readonly kind: "rebalance off";
}

/** A decision, and who made it and why. */
export interface ControlRecord {
  /** See {@link controlId}. */
  readonly id: string;
  /** Grows over all records with each change, so that it names one state of one record. */
  readonly version: number;
  readonly author: string;
  readonly reason: string;
  /** When it was decided, as text for people. Nothing is ever computed from it. */
  readonly decidedAt: string;
  /** After which it ends by itself, in milliseconds from now; undefined when it does not. */
  readonly expiresInMs: number | undefined;
  readonly control: Control;
}

/** Names what a record is about: at most one record can be. */
export function controlId({ kind }: Control): string {
  switch (kind) {
    case "rebalance off":
      return "rebalance";
  }
}

/** A record that was made, replaced or taken back, and by whom. */
export interface ControlChange {
  readonly version: number;
  readonly id: string;
  /** `meta` when the record's time was over. */
  readonly author: string;
  readonly reason: string;
  /** As of a record; empty when the record's time was over. */
  readonly decidedAt: string;
  readonly before: ControlRecord | undefined;
  readonly after: ControlRecord | undefined;
}
