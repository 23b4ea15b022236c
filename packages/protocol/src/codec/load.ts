/** What is said about the loads of sessions, among nodes and to clients, and the asking of clients to move. */

import { create } from "@bufbuild/protobuf";
import type {
  LoadReport as CoreLoadReport,
  Loads as CoreLoads,
  Move as CoreMove,
  NodeLoad as CoreNodeLoad,
  SessionLoad as CoreSessionLoad,
} from "@rollcall/core";

import {
  LoadReportSchema,
  LoadsSchema,
  NodeLoadSchema,
  type LoadReport,
  type Loads,
  type NodeLoad,
} from "../gen/rollcall/v1/meta_pb.ts";
import { MoveSchema, SessionLoadSchema, type Move, type SessionLoad } from "../gen/rollcall/v1/registry_pb.ts";
import { sameFields, type WireFields } from "./fields.ts";
import { numberFromUint64 } from "./numbers.ts";

sameFields<CoreMove, Move>();
sameFields<CoreSessionLoad, SessionLoad>();
sameFields<CoreLoadReport, LoadReport>();
sameFields<CoreLoads, Loads>();
sameFields<CoreNodeLoad, NodeLoad>();

export function wireFromMove({ to, withinMs }: CoreMove): Move {
  const fields: WireFields<Move> = { to: [...to], withinMs };
  return create(MoveSchema, fields);
}

export function moveFromWire({ to, withinMs }: Move): CoreMove {
  return { to, withinMs };
}

export function wireFromSessionLoad({ address, clients }: CoreSessionLoad): SessionLoad {
  const fields: WireFields<SessionLoad> = { address, clients };
  return create(SessionLoadSchema, fields);
}

export function sessionLoadFromWire({ address, clients }: SessionLoad): CoreSessionLoad {
  return { address, clients };
}

export function wireFromLoadReport({ clients, draining, known }: CoreLoadReport): LoadReport {
  const fields: WireFields<LoadReport> = { clients, draining, known: BigInt(known) };
  return create(LoadReportSchema, fields);
}

export function loadReportFromWire({ clients, draining, known }: LoadReport): CoreLoadReport {
  return { clients, draining, known: numberFromUint64(known) };
}

export function wireFromLoads({ version, nodes }: CoreLoads): Loads {
  const fields: WireFields<Loads> = { version: BigInt(version), nodes: nodes.map(wireFromNodeLoad) };
  return create(LoadsSchema, fields);
}

export function loadsFromWire({ version, nodes }: Loads): CoreLoads {
  return {
    version: numberFromUint64(version),
    nodes: nodes.map(({ nodeId, clients, draining }) => ({ nodeId, clients, draining })),
  };
}

export function wireFromNodeLoad({ nodeId, clients, draining }: CoreNodeLoad): NodeLoad {
  const fields: WireFields<NodeLoad> = { nodeId, clients, draining };
  return create(NodeLoadSchema, fields);
}
