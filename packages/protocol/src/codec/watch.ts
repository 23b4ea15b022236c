/** What watchers ask for. What they are told has the form of what goes to clients of Connect. */

import { create, toBinary } from "@bufbuild/protobuf";
import type { ClientHello, ServicePattern, SubscribeItem, UnsubscribeItem } from "@rollcall/core";

import { WatchRequestSchema, WatchServicesRequestSchema } from "../gen/rollcall/v1/registry_pb.ts";
import { subscribeFromWire, wireFromSubscribe } from "./client.ts";
import { clientHelloFromWire, wireFromClientHello } from "./hello.ts";
import { decodeMessage } from "./decode.ts";
import { patternFromWire } from "./services.ts";
import { filterFromWire, keyFromWire } from "./values.ts";

/** What a watcher asks for: one service, or with a hello any number of them. */
export type WatchWish =
  | { readonly kind: "service"; readonly item: UnsubscribeItem }
  | { readonly kind: "subscriptions"; readonly hello: ClientHello; readonly subscribes: readonly SubscribeItem[] };

/** @throws RegistryError `protocol_violation`. Names are not checked yet. */
export function watchWishFromBytes(bytes: Uint8Array): WatchWish {
  const { key, filter, hello, subscribes } = decodeMessage(WatchRequestSchema, bytes);
  if (hello === undefined) return { kind: "service", item: { key: keyFromWire(key), filter: filterFromWire(filter) } };
  return { kind: "subscriptions", hello: clientHelloFromWire(hello), subscribes: subscribes.map(subscribeFromWire) };
}

/** The request of a watcher of any number of services. */
export function bytesFromWatchRequest(hello: ClientHello, subscribes: readonly SubscribeItem[]): Uint8Array {
  const request = { hello: wireFromClientHello(hello), subscribes: subscribes.map(wireFromSubscribe) };
  return toBinary(WatchRequestSchema, create(WatchRequestSchema, request));
}

/** @throws RegistryError `protocol_violation`. Names are not checked yet. */
export function watchServicesRequestFromBytes(bytes: Uint8Array): ServicePattern {
  return patternFromWire(decodeMessage(WatchServicesRequestSchema, bytes));
}
