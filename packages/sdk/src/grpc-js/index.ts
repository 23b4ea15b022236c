/** A name resolver for clients of @grpc/grpc-js: `rollcall:///orders` is whoever is registered for orders. */

import { Metadata, experimental, status } from "@grpc/grpc-js";
import { RegistryError, canTakeWork, type FilterInput, type Instance } from "@rollcall/core";

import type { Client } from "../client-surface.ts";
import type { ServiceInput } from "../service-input.ts";
import type { ServiceView } from "../service-view.ts";
import type { Subscription } from "../subscription.ts";

export interface ResolverOptions {
  /** What targets begin with. Default `rollcall`: give another for a second registry in one process. */
  readonly scheme?: string | undefined;
  /** Which instances. Default: all. */
  readonly filter?: FilterInput | undefined;
}

type GrpcUri = experimental.GrpcUri;
type ResolverListener = experimental.ResolverListener;

/** Calls go to all of them in turn, unless the channel's own service config says otherwise. */
const ROUND_ROBIN = { loadBalancingConfig: [{ round_robin: {} }], methodConfig: [] };

/**
 * Makes the names of a registry's services targets of gRPC channels, in the whole process: `rollcall:///orders`, or
 * `rollcall:///namespace/group/orders`. Each channel follows its service; instances that are disabled, unhealthy or of
 * weight 0 are left out, and calls under way to one that goes are finished. Beyond that gRPC knows no weights.
 *
 * While nobody may be called, calls fail with status `UNAVAILABLE`, or wait when they say `waitForReady`.
 */
export function registerResolver(client: Client, { scheme = "rollcall", filter }: ResolverOptions = {}): void {
  experimental.registerResolver(
    scheme,
    class implements experimental.Resolver {
      readonly #service: ServiceInput;
      readonly #listener: ResolverListener;
      #subscription: Subscription | undefined;

      constructor(target: GrpcUri, listener: ResolverListener) {
        this.#service = serviceFromTarget(target);
        this.#listener = listener;
      }

      static getDefaultAuthority(target: GrpcUri): string {
        return target.path.split("/").at(-1)!;
      }

      /** Also called again and again by a channel that finds nobody: it hears of every change anyway. */
      updateResolution(): void {
        if (this.#subscription !== undefined) return;
        try {
          const subscription = client.subscribe(this.#service, filter);
          this.#subscription = subscription;
          subscription.onChange((view) => this.#show(view));
          subscription.ready.catch((error: unknown) => {
            if (this.#subscription === subscription) this.#fail(error);
          });
        } catch (thrown) {
          // Not before this returns: so gRPC wants it.
          queueMicrotask(() => this.#fail(thrown));
        }
      }

      destroy(): void {
        this.#subscription?.close();
        this.#subscription = undefined;
      }

      #show({ instances, service: { service } }: ServiceView): void {
        const callable = instances.filter(canTakeWork).map(addressesFromInstance);
        this.#tell(experimental.statusOrFromValue(callable));
        // Of an empty list alone its balancer makes that somebody may come, and calls wait.
        if (callable.length === 0) {
          this.#fail(
            new RegistryError("unavailable", `nobody of ${service} may be called, ${instances.length} listed`),
          );
        }
      }

      #fail(thrown: unknown): void {
        const details = RegistryError.fromUnknown(thrown).message;
        this.#tell(experimental.statusOrFromError({ code: status.UNAVAILABLE, details, metadata: new Metadata() }));
      }

      #tell(result: Parameters<ResolverListener>[0]): void {
        const config = experimental.statusOrFromValue(ROUND_ROBIN) as Parameters<ResolverListener>[2];
        this.#listener(result, {}, config, "");
      }
    },
  );
}

function serviceFromTarget({ path }: GrpcUri): ServiceInput {
  const parts = path.split("/");
  const [namespace, group, service] = parts;
  return parts.length === 3 ? { namespace, group, service: service! } : path;
}

function addressesFromInstance({ address }: Instance): experimental.Endpoint {
  const colon = address.lastIndexOf(":");
  // An IPv6 host stands in brackets, which a socket does not want.
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  return { addresses: [{ host, port: Number(address.slice(colon + 1)) }] };
}
