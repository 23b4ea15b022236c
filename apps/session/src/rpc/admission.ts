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
  const { hello, summary, ...lists } = message;
  const { registers, unregisters, subscribes, unsubscribes, receipts } = lists;
  const items = Object.values(lists).reduce((count, list) => count + list.length, 0);
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
    hello,
    registers: keepValid(registers, admitRegister, refuseResult),
    unregisters: keepValid(unregisters, (item) => ({ ...item, key: serviceKey(item.key) }), refuseResult),
    subscribes: keepValid(subscribes, admitSubscription, refuseSubscription),
    // Neither can do harm: what is not subscribed is not found.
    unsubscribes: keepValid(unsubscribes, admitSubscription, () => {}),
    receipts: keepValid(receipts, admitSubscription, () => {}),
    // A client drains what it has registered, so it has been told of a wrong name before.
    barriers: keepValid(
      lists.barriers,
      (item) => ({ ...item, key: serviceKey(item.key) }),
      () => {},
    ),
    servicesSubscribes: keepValid(lists.servicesSubscribes, admitServices, refuseServices),
    servicesUnsubscribes: keepValid(lists.servicesUnsubscribes, servicePattern, () => {}),
    servicesReceipts: keepValid(lists.servicesReceipts, admitServices, () => {}),
    summary,
  };
  return { admitted, results, refusals, servicesRefusals };
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
): Item[] {
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
