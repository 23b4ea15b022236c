/**
 * What a client sends is checked here, once, before anything else sees it. A part that breaks a rule is refused by
 * itself, with the field, the limit and the value; the parts beside it are not touched.
 */

import {
  RegistryError,
  checkFilter,
  checkInstance,
  invalidField,
  limitExceeded,
  serviceKey,
  servicePattern,
  type ClientHello,
  type ClientMessage,
  type Filter,
  type Instance,
  type RegisterItem,
  type RegistrationResult,
  type ServiceKey,
  type ServicePattern,
  type ServicesRefusal,
  type SubscriptionRefusal,
  LIMITS,
} from "@rollcall/core";
import { bytesFromInstance, instanceFromBytes, isPlainInstance } from "@rollcall/protocol";

export interface Admission {
  readonly admitted: ClientMessage;
  readonly results: readonly RegistrationResult[];
  readonly refusals: readonly SubscriptionRefusal[];
  readonly servicesRefusals: readonly ServicesRefusal[];
}

/** @throws RegistryError `limit_exceeded` when there are more items in the message than any client needs. */
export function admit(message: ClientMessage): Admission {
  const items = countItems(message);
  if (items > LIMITS.clientMessageItems) throw limitExceeded("message", `${LIMITS.clientMessageItems} items`, items);
  const results: RegistrationResult[] = [];
  const refusals: SubscriptionRefusal[] = [];
  const servicesRefusals: ServicesRefusal[] = [];
  const refuseResult = ({ sequence }: { sequence: number }, error: RegistryError): void => {
    results.push({ sequence, outcome: { kind: "refused", error } });
  };
  const refuseSubscription = ({ key, filter }: { key: ServiceKey; filter: Filter }, error: RegistryError): void => {
    refusals.push({ key, filter, error });
  };
  const refuseServices = ({ pattern }: { pattern: ServicePattern }, error: RegistryError): void => {
    servicesRefusals.push({ pattern, error });
  };
  const admitted: ClientMessage = {
    hello: message.hello,
    registers: keepValid(message.registers, admitRegister, refuseResult),
    unregisters: keepValid(message.unregisters, admitKey, refuseResult),
    subscribes: keepValid(message.subscribes, admitSubscription, refuseSubscription),
    // Neither can do harm: what is not subscribed is not found.
    unsubscribes: keepValid(message.unsubscribes, admitSubscription, leaveOut),
    receipts: keepValid(message.receipts, admitSubscription, leaveOut),
    // A client drains what it has registered, so it has been told of a wrong name before.
    barriers: keepValid(message.barriers, admitKey, leaveOut),
    servicesSubscribes: keepValid(message.servicesSubscribes, admitServices, refuseServices),
    servicesUnsubscribes: keepValid(message.servicesUnsubscribes, servicePattern, leaveOut),
    servicesReceipts: keepValid(message.servicesReceipts, admitServices, leaveOut),
    summary: message.summary,
  };
  return { admitted, results, refusals, servicesRefusals };
}

const LISTS = [
  "registers",
  "unregisters",
  "subscribes",
  "unsubscribes",
  "receipts",
  "barriers",
  "servicesSubscribes",
  "servicesUnsubscribes",
  "servicesReceipts",
] as const satisfies readonly (keyof ClientMessage)[];

function countItems(message: ClientMessage): number {
  let items = 0;
  for (const list of LISTS) items += message[list].length;
  return items;
}

const CLIENT_ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._:@~-]*$/;
const AGENT_LENGTH_MAX = 128;

/** @throws RegistryError when the connection cannot be served for this client. */
export function admitHello(hello: ClientHello | undefined): ClientHello {
  if (hello === undefined)
    throw new RegistryError("protocol_violation", "the first message of a client must carry its hello");
  const { clientId, agent } = hello;
  if (clientId.length > LIMITS.clientIdLength || !CLIENT_ID_PATTERN.test(clientId)) {
    throw invalidField(
      "hello.client_id",
      `1 to ${LIMITS.clientIdLength} letters, digits, ".", "_", ":", "@", "~", "-"`,
      clientId,
    );
  }
  if (agent.length > AGENT_LENGTH_MAX)
    throw invalidField("hello.agent", `at most ${AGENT_LENGTH_MAX} characters`, agent);
  return hello;
}

function keepValid<Item>(
  items: readonly Item[],
  check: (item: Item) => Item,
  refused: (item: Item, error: RegistryError) => void,
): readonly Item[] {
  if (items.length === 0) return items;
  const valid: Item[] = [];
  for (const item of items) {
    try {
      valid.push(check(item));
    } catch (thrown) {
      if (!(thrown instanceof RegistryError)) throw thrown;
      refused(item, thrown);
    }
  }
  return valid;
}

function leaveOut(): void {}

function admitKey<Item extends { readonly key: ServiceKey }>(item: Item): Item {
  const key = serviceKey(item.key);
  return key === item.key ? item : { ...item, key };
}

function admitRegister(item: RegisterItem): RegisterItem {
  const key = serviceKey(item.key);
  if (item.instance.length > LIMITS.instanceBytes) {
    throw limitExceeded("instance", `${LIMITS.instanceBytes} bytes`, item.instance.length);
  }
  if (isPlainInstance(item.instance)) return key === item.key ? item : { ...item, key };
  const given = checkInstance(instanceFromBytes(item.instance));
  // Whether it is healthy is for probes to say.
  const instance: Instance = { ...given, health: "healthy" };
  // Bytes that do not begin with the id, or repeat it, would be read differently by different readers.
  const isPlain = instance.id === item.instanceId && given.health === "healthy";
  const bytes = isPlain ? item.instance : bytesFromInstance(instance);
  return { ...item, key, instanceId: instance.id, instance: bytes };
}

function admitSubscription<Item extends { readonly key: ServiceKey; readonly filter: Filter }>(item: Item): Item {
  return { ...item, key: serviceKey(item.key), filter: checkFilter(item.filter) };
}

function admitServices<Item extends { readonly pattern: ServicePattern }>(item: Item): Item {
  return { ...item, pattern: servicePattern(item.pattern) };
}
