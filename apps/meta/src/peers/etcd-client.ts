/**
 * The client of etcd as metas use it. A call goes to one member and is given up soon: whoever asked decides whether to
 * ask again, for a write that was given up may have happened. A member that fails is left alone for a moment.
 */

import { RegistryError } from "@rollcall/core";
import { ConsecutiveBreaker, circuitBreaker, handleAll, noop } from "cockatiel";
import { Etcd3 } from "etcd3";

/** How long a call may take, in milliseconds: a healthy etcd answers in a few, and the lease is three seconds. */
export const CALL_MS = 1_000;

/** How long a member that has failed is left alone, in milliseconds. */
const LEFT_ALONE_MS = 1_000;

export interface EtcdOptions {
  /** Members of the etcd cluster, each `host:port` or a URL. */
  readonly hosts: readonly string[];
  /** What all keys begin with, so that several clusters can share one etcd. */
  readonly prefix: string;
}

export function createEtcdClient({ hosts }: EtcdOptions): Etcd3 {
  return new Etcd3({
    hosts: [...hosts],
    dialTimeout: CALL_MS,
    defaultCallOptions: ({ isStream }) => (isStream ? {} : { deadline: Date.now() + CALL_MS }),
    grpcOptions: { "grpc.keepalive_time_ms": 2_000, "grpc.keepalive_timeout_ms": 2_000 },
    faultHandling: {
      host: () => circuitBreaker(handleAll, { halfOpenAfter: LEFT_ALONE_MS, breaker: new ConsecutiveBreaker(1) }),
      global: noop,
    },
  });
}

export function etcdError(cause: unknown): RegistryError {
  if (cause instanceof RegistryError) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new RegistryError("unavailable", `etcd does not answer: ${why}`, { cause });
}

/**
 * Takes `etcd://host:port,host:port` and, behind a slash, what the keys begin with.
 * @throws RegistryError `invalid_field` naming the part.
 */
export function etcdOptionsFromUrl(url: string): EtcdOptions | undefined {
  const parts = /^etcd:\/\/([^/]+)(\/.*)?$/.exec(url);
  if (parts === null) return undefined;
  const [, hosts, path = ""] = parts as unknown as [string, string, string | undefined];
  const name = path.replaceAll(/^\/+|\/+$/g, "");
  return { hosts: hosts.split(","), prefix: `${name === "" ? "rollcall" : name}/` };
}
