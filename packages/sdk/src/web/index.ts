// The client for browsers.

import { silentLog, type Log } from "@rollcall/core";

import { createLinkedClient } from "../client.ts";
import type { Client, ClientOptions } from "../index.ts";
import { LeaseLink } from "../lease/lease-link.ts";
import { completeOptions } from "../options.ts";
import { connectCalls, type WebProtocol } from "./connect-calls.ts";
import { checkServerUrl, completeWebOptions, type OwnWebOptions } from "./options.ts";
import { onLeave, onReturn } from "./page.ts";
import { webClock, webRandom } from "./ports.ts";

export interface WebClientOptions extends Omit<ClientOptions, "servers">, OwnWebOptions {
  /** Who hears what the client has to say to operators. Default: nobody. */
  readonly log?: Log | undefined;
}

/**
 * A client of the registry for pages and workers. It connects by itself, soon after this returns, and again whenever the
 * connection is lost, until it is closed. What it registers is listed as long as its leases are renewed.
 * @throws RegistryError `invalid_field` naming the option.
 */
export function createClient({ log = silentLog, ...given }: WebClientOptions): Client {
  const options = completeOptions(given, checkServerUrl);
  const { protocol, leaseMs, unregisterOnLeave } = completeWebOptions(given);
  const { resultTimeoutMs } = options;
  let present: { readonly link: LeaseLink; readonly server: string } | undefined;
  const dial = (server: string): LeaseLink => {
    const link = new LeaseLink({ clock: webClock, calls: connectCalls(protocol, server, resultTimeoutMs), leaseMs });
    present = { link, server };
    return link;
  };
  const client = createLinkedClient({ clock: webClock, random: webRandom, log, dial }, options);
  const ends = [onReturn(() => present?.link.comeBack())];
  if (unregisterOnLeave) {
    const leave = (): void => {
      if (present !== undefined) present.link.leave(connectCalls(protocol, present.server, resultTimeoutMs, true));
    };
    ends.push(onLeave(leave));
  }
  client.on("closed", () => ends.forEach((end) => end()));
  return client;
}

// What a client gives and takes.
export { RegistryError } from "../index.ts";
export type { WebProtocol };
export type {
  Client,
  ClientEvents,
  ClientState,
  ErrorReason,
  ErrorSubject,
  EventName,
  Filter,
  FilterInput,
  Health,
  HeldBackBecause,
  HeldBackCounts,
  HeldBackEvent,
  Instance,
  InstanceChange,
  InstanceInput,
  Log,
  LogFields,
  ManyServices,
  PendingRegistration,
  Probe,
  ProbeInput,
  ReconnectOptions,
  RegisterInput,
  Registration,
  ServiceInput,
  ServiceKey,
  ServiceList,
  ServicePattern,
  ServicePatternInput,
  ServiceView,
  ServiceViews,
  Subscription,
  SubscriptionTo,
  Version,
  ViewCallback,
  Waiting,
} from "../index.ts";
