/**
 * Takes in the connections of one port. Node accepts one connection in each turn of its loop on each socket it listens
 * on. When all clients come at once the turns are long, the queue is not emptied for many seconds, and those at its end
 * have given up when it is their turn. So where the system can spread the connections of one port over several sockets,
 * there are several.
 */

import { createServer, type Server, type Socket } from "node:net";

import { RegistryError } from "@rollcall/core";

export interface AcceptorOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Silence after which the system asks whether the other side is there, in milliseconds. */
  readonly keepAliveInitialDelayMs: number;
  readonly accepted: (socket: Socket) => void;
  /** Accepting failed, as for want of files. */
  readonly failed: (error: Error) => void;
}

export interface Acceptor {
  /** `host:port` that is really listened on. */
  readonly address: string;
  /** Accepts nothing more; resolves when all connections have ended. */
  close(): Promise<void>;
}

/**
 * Connections that wait to be accepted, on each socket. Those for whom there is no room are not connected, and try again
 * after a second. The system may allow fewer (`net.core.somaxconn`, 4,096 on Linux).
 */
const BACKLOG = 512;

/** Sockets that share the port: together they hold as many waiting connections as the system allows one. */
const SHARED_SOCKETS = 8;

/** Linux spreads connections evenly; elsewhere the option is missing, or the last socket takes all. Node has it since 23.1. */
const CAN_SHARE = process.platform === "linux" && Number.parseInt(process.versions.node) >= 24;

/** Rejects with `unavailable` when the port cannot be had. */
export async function openAcceptor(options: AcceptorOptions): Promise<Acceptor> {
  const first = createAcceptingServer(options);
  const bound = await listen(first, options, { port: options.port, reusePort: false });
  if (!CAN_SHARE) return acceptorOf([first], options);
  // Nobody else has the port, which cannot be found out of sockets that would share it with anybody.
  await closed(first);
  const servers = Array.from({ length: SHARED_SOCKETS }, () => createAcceptingServer(options));
  try {
    for (const server of servers) await listen(server, options, { port: bound, reusePort: true });
  } catch (error) {
    for (const server of servers) server.close();
    throw error;
  }
  return acceptorOf(servers, options);
}

function createAcceptingServer({ keepAliveInitialDelayMs, accepted }: AcceptorOptions): Server {
  return createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveInitialDelayMs }, accepted);
}

function acceptorOf(servers: readonly Server[], { failed }: AcceptorOptions): Acceptor {
  for (const server of servers) server.on("error", failed);
  return {
    address: addressOf(servers[0]!),
    close: async () => void (await Promise.all(servers.map(closed))),
  };
}

/** Gives the port. */
function listen(
  server: Server,
  { host }: AcceptorOptions,
  { port, reusePort }: { readonly port: number; readonly reusePort: boolean },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const refused = (cause: Error) => {
      reject(new RegistryError("unavailable", `cannot listen on ${host}:${port}: ${cause.message}`, { cause }));
    };
    server.once("error", refused);
    server.listen({ host, port, backlog: BACKLOG, reusePort }, () => {
      server.off("error", refused);
      resolve(boundOf(server).port);
    });
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

function addressOf(server: Server): string {
  const { family, address, port } = boundOf(server);
  return family === "IPv6" ? `[${address}]:${port}` : `${address}:${port}`;
}

function boundOf(server: Server): { readonly family: string; readonly address: string; readonly port: number } {
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("a TCP server has a port");
  return bound;
}
