/** Clients that are connected by a stream, on all session nodes. */

import { createClient, type Client } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { DEFAULT_GROUP, DEFAULT_NAMESPACE, serviceKey } from "@rollcall/core";
import { ConnectionService, clusterStateFromWire, keyFromWire, wireFromKey } from "@rollcall/protocol";
import { Option } from "commander";

import { CommandFailure } from "../../failure.ts";
import { jsonFromService } from "../../output/json.ts";
import { counted, dim, tableLines } from "../../output/table.ts";
import { serviceText } from "../../output/view.ts";
import { wholeNumber } from "../../registry/settings.ts";
import type { Operator } from "../operator.ts";
import type { Verb } from "../verb.ts";

interface ConnectionsOptions {
  readonly client?: string | undefined;
  readonly namespace?: string | undefined;
  readonly group?: string | undefined;
  readonly limit: number;
}

export const connections: Verb<ConnectionsOptions> = {
  name: "connections",
  summary: "show which clients are connected, what they have registered and what they are subscribed to",
  args: [["[service]", "only clients that have to do with this service"]],
  options: [
    new Option("--client <id>", "only this client"),
    new Option("--namespace <name>", 'namespace of the service (default "default")'),
    new Option("--group <name>", 'group of the service (default "default")'),
    new Option("--limit <count>", "clients of each session node").argParser(wholeNumber).default(100),
  ],
  examples: ["connections", "connections orders --json | jq '.connections[].clientId'"],
  decides: false,
  expires: false,
  async run({ args: [service], options }, operator) {
    const { namespace = DEFAULT_NAMESPACE, group = DEFAULT_GROUP, client: clientId = "", limit } = options;
    const key = service === undefined ? undefined : wireFromKey(serviceKey({ namespace, group, service }));
    const answers = await askSessions(operator, (session) =>
      session.listConnections(
        { clientId, limit, ...(key !== undefined && { key }) },
        { timeoutMs: operator.timeoutMs },
      ),
    );
    const found = answers.flatMap((answer) => answer.connections.map((each) => ({ nodeId: answer.nodeId, ...each })));
    const total = answers.reduce((sum, answer) => sum + answer.total, 0);
    const rows = found.map(({ nodeId, clientId: id, registrations, subscriptions }) => {
      const registered = registrations.map((each) => `${serviceText(keyFromWire(each.key))} ${each.instanceId}`);
      return [
        id,
        nodeId,
        registered.join(", "),
        subscriptions.map((each) => serviceText(keyFromWire(each))).join(", "),
      ];
    });
    const { stdout } = operator.ports;
    const lines = tableLines(["CLIENT", "SESSION", "REGISTERED", "SUBSCRIBED TO"], rows, stdout);
    const more = total > found.length ? [`${total - found.length} more: see --limit`] : [];
    return {
      json: {
        total,
        connections: found.map(({ nodeId, clientId: id, registrations, subscriptions }) => ({
          clientId: id,
          nodeId,
          registrations: registrations.map((each) => ({
            service: jsonFromService(keyFromWire(each.key)),
            instanceId: each.instanceId,
          })),
          subscriptions: subscriptions.map((each) => jsonFromService(keyFromWire(each))),
        })),
      },
      text:
        found.length === 0 ? `${dim("no such client is connected", stdout)}\n` : `${[...lines, ...more].join("\n")}\n`,
    };
  },
};

export const connectionClose: Verb = {
  name: "connection close",
  summary: "end the connection of a client, and take out what it has registered through it",
  args: [["<client>", "its id, as connections shows it"]],
  details: "A client that still lives connects again and registers again: to keep it out, switch it off.",
  examples: ['connection close pay-7f3~q2k9 --reason "its host is gone"'],
  decides: true,
  expires: false,
  expects: false,
  async run({ args: [clientId = ""] }, operator) {
    const { author, reason } = operator;
    const answers = await askSessions(operator, (session) =>
      session.closeConnection({ clientId, author, reason }, { timeoutMs: operator.timeoutMs }),
    );
    const closed = answers.reduce((sum, answer) => sum + answer.closed, 0);
    return { json: { clientId, closed }, text: `${counted(closed, "connection")} of ${clientId} closed\n` };
  },
};

/** All of them have to answer: one that does not may have whom one looks for. */
async function askSessions<Answer>(
  operator: Operator,
  ask: (session: Client<typeof ConnectionService>) => Promise<Answer>,
): Promise<Answer[]> {
  const { state } = await operator.ask(({ meta }, call) => meta.getCluster({}, call));
  const members = state === undefined ? [] : clusterStateFromWire(state).members;
  return Promise.all(
    members
      .filter(({ role }) => role === "session")
      .map(async ({ nodeId, address }) => {
        const transport = createConnectTransport({ baseUrl: `http://${address}`, httpVersion: "1.1" });
        try {
          return await ask(createClient(ConnectionService, transport));
        } catch (cause) {
          const why = cause instanceof Error ? cause.message : String(cause);
          throw new CommandFailure(`${nodeId} at ${address} does not answer: ${why}`, { cause });
        }
      }),
  );
}
