/**
 * Control records: decisions of operators, kept by meta until somebody takes them back. Each is about one thing, which
 * its id names, so that deciding again about the same thing replaces what was decided before. Meta tells nodes those
 * that concern their role.
 */

import { blockId, checkBlock, type NamespaceBlock, type ServiceBlock } from "./blocks.ts";
import { checkClientOff, clientOffId, type ClientOff } from "./client-off.ts";
import { checkOverride, overrideId, type InstanceOverride } from "./instance-override.ts";
import type { NodeRole } from "./membership.ts";
import { checkPushOff, pushOffId, type PushOff } from "./push-off.ts";
import { checkQuota, quotaId, type Quota } from "./quota.ts";
import { checkShortName } from "./service-key.ts";
import { checkStaticInstance, staticInstanceId, type StaticInstance } from "./static-instance.ts";

/** What can be decided. */
export type Control =
  | RebalanceOff
  | PushOff
  | NamespaceBlock
  | ServiceBlock
  | Quota
  | ClientOff
  | InstanceOverride
  | NodeDrain
  | StaticInstance;

/** `rebalance off`: no slot is moved to make things even. A lost leader is replaced all the same. */
export interface RebalanceOff {
  readonly kind: "rebalance off";
}

/** The data node hands its slots over, and owns none until this is taken back. */
export interface NodeDrain {
  readonly kind: "node drain";
  readonly nodeId: string;
}

export type ControlKind = Control["kind"];
export type ControlOf<Kind extends ControlKind> = Extract<Control, { readonly kind: Kind }>;

/** A decision, and who made it and why. */
export interface ControlRecord<Decided extends Control = Control> {
  /** See {@link controlId}. */
  readonly id: string;
  /** Grows over all records with each change, so that it names one state of one record. */
  readonly version: number;
  readonly author: string;
  readonly reason: string;
  /** When it was decided, as text for people. Nothing is ever computed from it. */
  readonly decidedAt: string;
  /** After which it ends by itself, in milliseconds from now; undefined when it does not. Only meta ends it. */
  readonly expiresInMs: number | undefined;
  readonly control: Decided;
}

/**
 * What a node is told of control records: all that has changed after `base` and up to `through`, in the order of
 * versions. Whoever has come to the end of a part can go on from there, whichever meta leads by then.
 */
export interface ControlsPart {
  /** Versions of another cluster mean nothing. */
  readonly clusterId: string;
  /** The newest there is. With the part that goes through it, the node has everything. */
  readonly version: number;
  readonly base: number;
  readonly through: number;
  readonly records: readonly ControlRecord[];
  readonly removedIds: readonly string[];
  /** This part and those after it are all there is: records that are not in them exist no more. */
  readonly complete: boolean;
}

/** Names what a record is about: at most one record can be. */
export function controlId(control: Control): string {
  switch (control.kind) {
    case "rebalance off":
      return "rebalance";
    case "push off":
      return pushOffId(control);
    case "namespace block":
    case "service block":
      return blockId(control);
    case "quota":
      return quotaId(control);
    case "node drain":
      return `node-drain/${control.nodeId}`;
    case "client off":
      return clientOffId(control);
    case "instance override":
      return overrideId(control);
    case "static instance":
      return staticInstanceId(control);
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

/** Whom meta tells of it. */
export const ROLES_OF_CONTROL: Readonly<Record<ControlKind, readonly NodeRole[]>> = {
  "rebalance off": [],
  "push off": ["session"],
  "namespace block": ["data"],
  "service block": ["data"],
  quota: ["data"],
  "node drain": [],
  "client off": ["session"],
  "instance override": ["data"],
  "static instance": ["data"],
};

/** @throws RegistryError `invalid_field`, `limit_exceeded`: that cannot be decided. */
export function checkControl(control: Control): void {
  switch (control.kind) {
    case "rebalance off":
      return;
    case "push off":
      checkPushOff(control);
      return;
    case "namespace block":
    case "service block":
      checkBlock(control);
      return;
    case "quota":
      checkQuota(control);
      return;
    case "node drain":
      checkShortName("node_id", control.nodeId);
      return;
    case "client off":
      checkClientOff(control);
      return;
    case "instance override":
      checkOverride(control);
      return;
    case "static instance":
      checkStaticInstance(control);
      return;
  }
}
