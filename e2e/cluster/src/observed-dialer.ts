/**
 * A client's dialer that notes in the history each push that comes in over the wire: what the SDK keeps to itself because
 * it is no news is seen here.
 */

import {
  formatDigest,
  messageFromFrame,
  textFromFilter,
  textFromServiceKey,
  type ClientMessage,
  type Dialer,
  type Filter,
  type MessageStream,
  type ServiceKey,
  type Update,
} from "@rollcall/core";
import { clientMessageFromBytes, serverMessageFromBytes } from "@rollcall/protocol";
import type { HistoryRecorder } from "@rollcall/testing";

export interface Observation {
  /** Name of the client in the history. */
  readonly client: string;
  readonly history: HistoryRecorder;
}

export function observedDialer(dialer: Dialer, observation: Observation): Dialer {
  let links = 0;
  return {
    dial: (address, method) =>
      observedStream(dialer.dial(address, method), `${observation.client} ${++links}`, observation),
  };
}

/** How a recorded client names the filter that takes everything: the only one that is observed. */
const NO_FILTER_TEXT = "{}";

type Asked = "subscribed" | "repair";

function observedStream(stream: MessageStream, link: string, { client, history }: Observation): MessageStream {
  /** What the client has asked for and not been answered, in order: what waits for long is asked for again. */
  const asked = new Map<string, Asked[]>();
  const ask = (name: string, what: Asked): void => void asked.set(name, [...(asked.get(name) ?? []), what]);
  const sent = ({ subscribes, receipts }: ClientMessage): void => {
    for (const item of subscribes) {
      ask(nameOf(item), "subscribed");
      const of = { client, service: textFromServiceKey(item.key), filter: NO_FILTER_TEXT };
      history.record({ kind: "asked", link, ...of, digest: item.held && formatDigest(item.held.digest) });
    }
    for (const item of receipts) if (item.resync) ask(nameOf(item), "repair");
  };
  const came = (push: Update): void => {
    const name = nameOf(push);
    history.record({
      kind: "pushed",
      link,
      client,
      service: textFromServiceKey(push.key),
      filter: NO_FILTER_TEXT,
      version: push.version,
      digest: formatDigest(push.digest),
      snapshot: push.baseDigest === undefined,
      carried: push.instances.length + push.removedIds.length,
      confirmed: push.confirmed,
      asked: asked.get(name)?.shift() ?? "no",
    });
  };
  return {
    get congested() {
      return stream.congested;
    },
    send(frame) {
      sent(clientMessageFromBytes(messageFromFrame(frame)));
      stream.send(frame);
    },
    close: (error) => stream.close(error),
    listen: (listener) =>
      stream.listen({
        message(bytes) {
          for (const push of serverMessageFromBytes(bytes).pushes) came(push);
          listener.message(bytes);
        },
        drained: () => listener.drained?.(),
        closed: (error) => listener.closed(error),
      }),
  };
}

function nameOf({ key, filter }: { readonly key: ServiceKey; readonly filter: Filter }): string {
  return `${textFromServiceKey(key)} ${textFromFilter(filter)}`;
}
