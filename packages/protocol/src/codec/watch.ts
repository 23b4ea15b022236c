/** What watchers ask for. What they are told has the form of what goes to clients of Connect. */

import { create, toBinary } from "@bufbuild/protobuf";
import type {
  ClientHello,
  ServicePattern,
  SubscribeItem,
  SubscribeServicesItem,
  UnsubscribeItem,
} from "@rollcall/core";

import { WatchRequestSchema, WatchServicesRequestSchema } from "../gen/rollcall/v1/registry_pb.ts";
import { subscribeFromWire, wireFromSubscribe } from "./client.ts";
import { clientHelloFromWire, wireFromClientHello } from "./hello.ts";
import { decodeMessage } from "./decode.ts";
import { patternFromWire, subscribeServicesFromWire, wireFromSubscribeServices } from "./services.ts";
import { filterFromWire, keyFromWire } from "./values.ts";

/** Everything a client is subscribed to. */
export interface WatchedItems {
  readonly subscribes: readonly SubscribeItem[];
  readonly servicesSubscribes: readonly SubscribeServicesItem[];
}

/** What a watcher asks for: one service, or with a hello any number of them. */
export type WatchWish =
  | { readonly kind: "service"; readonly item: UnsubscribeItem }
  | ({ readonly kind: "subscriptions"; readonly hello: ClientHello } & WatchedItems);

/** @throws RegistryError `protocol_violation`. Names are not checked yet. */
export function watchWishFromBytes(bytes: Uint8Array): WatchWish {
  const { key, filter, hello, subscribes, servicesSubscribes } = decodeMessage(WatchRequestSchema, bytes);
  if (hello === undefined) return { kind: "service", item: { key: keyFromWire(key), filter: filterFromWire(filter) } };
  return {
    kind: "subscriptions",
    hello: clientHelloFromWire(hello),
    subscribes: subscribes.map(subscribeFromWire),
    servicesSubscribes: servicesSubscribes.map(subscribeServicesFromWire),
  };
}

/** The request of a watcher of any number of services and lists. */
export function bytesFromWatchRequest(hello: ClientHello, items: WatchedItems): Uint8Array {
  const request = {
    hello: wireFromClientHello(hello),
    subscribes: items.subscribes.map(wireFromSubscribe),
    servicesSubscribes: items.servicesSubscribes.map(wireFromSubscribeServices),
  };
  return toBinary(WatchRequestSchema, create(WatchRequestSchema, request));
}

/** @throws RegistryError `protocol_violation`. Names are not checked yet. */
export function watchServicesRequestFromBytes(bytes: Uint8Array): ServicePattern {
  return patternFromWire(decodeMessage(WatchServicesRequestSchema, bytes));
}
