/** How a client and a session node greet each other. */

import { create } from "@bufbuild/protobuf";
import type { ClientHello as CoreClientHello, ServerHello as CoreServerHello } from "@rollcall/core";

import {
  ClientHelloSchema,
  ServerHelloSchema,
  type ClientHello,
  type ServerHello,
} from "../gen/rollcall/v1/registry_pb.ts";
import { sameFields, type WireFields } from "./fields.ts";
import { numberFromUint64 } from "./numbers.ts";

sameFields<CoreClientHello, ClientHello>();
sameFields<CoreServerHello, ServerHello>();

export function wireFromClientHello(hello: CoreClientHello): ClientHello {
  const fields: WireFields<ClientHello> = {
    clientId: hello.clientId,
    incarnation: BigInt(hello.incarnation),
    agent: hello.agent,
    moves: hello.moves,
  };
  return create(ClientHelloSchema, fields);
}

export function clientHelloFromWire({ clientId, incarnation, agent, moves }: ClientHello): CoreClientHello {
  return { clientId, incarnation: numberFromUint64(incarnation), agent, moves };
}

export function wireFromServerHello(hello: CoreServerHello): ServerHello {
  const fields: WireFields<ServerHello> = { nodeId: hello.nodeId, clusterId: hello.clusterId };
  return create(ServerHelloSchema, fields);
}
