/** ConnectionService: who is connected to this session node and what they hold, for operators. */

import type { ServiceImpl } from "@connectrpc/connect";
import { RegistryError, invalidField, serviceKey, textFromServiceKey, type Log, type ServiceKey } from "@rollcall/core";
import { keyFromWire, wireFromKey, type ConnectionService } from "@rollcall/protocol";

import type { ClientHoldings } from "../connections/client-connection.ts";
import type { ClientLinks } from "./client-links.ts";

const DEFAULT_LIMIT = 100;
const LIMIT_MAX = 1_000;
const AUTHOR_LENGTH = 128;
const REASON_LENGTH = 512;

export interface ConnectionRoutesPorts {
  readonly nodeId: string;
  readonly clients: ClientLinks;
  readonly log: Log;
}

export function connectionService({
  nodeId,
  clients,
  log,
}: ConnectionRoutesPorts): ServiceImpl<typeof ConnectionService> {
  return {
    listConnections({ clientId, key: wireKey, limit }) {
      if (limit > LIMIT_MAX) throw invalidField("limit", `at most ${LIMIT_MAX}`, limit);
      const keyText = wireKey === undefined ? undefined : textFromServiceKey(serviceKey(keyFromWire(wireKey)));
      const found = [...clients.list()]
        .filter(({ client }) => clientId === "" || client.clientId === clientId)
        .map((connection) => ({ clientId: connection.client.clientId, ...connection.holdings() }))
        .filter((holdings) => keyText === undefined || concerns(holdings, keyText))
        .toSorted((a, b) => (a.clientId < b.clientId ? -1 : 1));
      const shown = found.slice(0, limit || DEFAULT_LIMIT).map((each) => ({
        clientId: each.clientId,
        registrations: each.registrations.map(({ key, instanceId }) => ({ key: wireFromKey(key), instanceId })),
        subscriptions: each.services.map(wireFromKey),
      }));
      return { nodeId, connections: shown, total: found.length };
    },
    closeConnection({ clientId, author, reason }) {
      if (author.trim() === "" || author.length > AUTHOR_LENGTH)
        throw invalidField("author", `1 to ${AUTHOR_LENGTH} characters`, author);
      if (reason.length > REASON_LENGTH) throw invalidField("reason", `at most ${REASON_LENGTH} characters`, reason);
      const why = new RegistryError("unavailable", "an operator has closed the connection");
      const closed = clients.closeConnections(clientId, why);
      if (closed > 0) log.info("an operator has closed a client's connection", { client: clientId, author, reason });
      return { closed };
    },
  };
}

function concerns({ registrations, services }: ClientHoldings, keyText: string): boolean {
  const isIt = (key: ServiceKey): boolean => textFromServiceKey(key) === keyText;
  return registrations.some(({ key }) => isIt(key)) || services.some(isIt);
}
