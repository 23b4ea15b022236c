/** `fetch` over the instances of a service. */

import type { Instance } from "@rollcall/core";

import { attempt } from "../balance/attempt.ts";
import type { Balancer, BalancerOptions } from "../balance/balancer.ts";
import type { Client } from "../client-surface.ts";
import type { ServiceInput } from "../service-input.ts";

export interface BalancedFetchOptions extends BalancerOptions {
  /** Instances that are tried for one call, at most. Default 3. */
  readonly attemptsMax?: number | undefined;
  /** Default: `https` for instances whose protocol is that, `http` for all others. */
  readonly scheme?: "http" | "https" | undefined;
  /** What is used for each call. Default: the platform's `fetch`. */
  readonly fetch?: typeof fetch | undefined;
}

/** See {@link createBalancedFetch}. */
export interface BalancedFetch {
  (input: string | URL | Request, init?: RequestInit): Promise<Response>;
  readonly balancer: Balancer;
  /** Ends the subscription. Calls under way go on. */
  close(): void;
  [Symbol.dispose](): void;
}

/**
 * A `fetch` whose every call goes to an instance of `service`: host and port of the address that it is given are replaced,
 * and a path alone will do. It waits for the first view of the service.
 *
 * Another instance is tried only when the connection to the first was not made, and only for bodies that can be sent
 * again: not for streams and not for a Request with a body.
 *
 * A call rejects as `fetch` does, and with the RegistryErrors of {@link Balancer.acquire}.
 */
export function createBalancedFetch(
  client: Client,
  service: ServiceInput,
  { attemptsMax, scheme, fetch: call = fetch, ...options }: BalancedFetchOptions = {},
): BalancedFetch {
  const balancer = client.balancer(service, options);
  const balanced = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const request = input instanceof Request ? input : undefined;
    const signal = init.signal ?? request?.signal;
    const repeatable = isRepeatable(init.body) && (request?.body ?? null) === null;
    return attempt(balancer, { attemptsMax: repeatable ? attemptsMax : 1, signal }, async ({ instance, done }) => {
      const url = urlAt(instance, scheme, input instanceof Request ? input.url : input);
      const response = await call(request === undefined ? url : new Request(url, request), init);
      done();
      return response;
    });
  };
  const close = (): void => balancer.close();
  return Object.assign(balanced, { balancer, close, [Symbol.dispose]: close });
}

function urlAt({ address, protocol }: Instance, scheme: string | undefined, input: string | URL): URL {
  const base = `${scheme ?? (protocol === "https" ? "https" : "http")}://${address}`;
  const url = new URL(base);
  ({ pathname: url.pathname, search: url.search } = new URL(String(input), base));
  return url;
}

function isRepeatable(body: unknown): boolean {
  return typeof body !== "object" || body === null || !(Symbol.asyncIterator in body);
}
