/** Messages in words, for transcripts and for the trace of a failing seed. */

import {
  formatDigest,
  formatVersion,
  textFromFilter,
  textFromServiceKey,
  type Held,
  type RegistrationVersion,
  type Update,
} from "@rollcall/core";
import {
  CONNECT_PATH,
  JOIN_PATH,
  LINK_PATH,
  clientMessageFromBytes,
  joinRequestFromBytes,
  joinResponseFromBytes,
  linkRequestFromBytes,
  linkResponseFromBytes,
  serverMessageFromBytes,
} from "@rollcall/protocol";
import type { DescribeMessage } from "@rollcall/testing";

export const describeMessage: DescribeMessage = (method, direction, message) => {
  switch (`${direction} ${method}`) {
    case `request ${CONNECT_PATH}`:
      return clientMessageInWords(message);
    case `response ${CONNECT_PATH}`:
      return serverMessageInWords(message);
    case `request ${LINK_PATH}`:
      return linkRequestInWords(message);
    case `response ${LINK_PATH}`:
      return linkResponseInWords(message);
    case `request ${JOIN_PATH}`:
      return joinRequestInWords(message);
    default:
      return joinResponseInWords(message);
  }
};

function clientMessageInWords(bytes: Uint8Array): string {
  const { hello, registers, unregisters, subscribes, unsubscribes, receipts } = clientMessageFromBytes(bytes);
  return lines(
    hello && `hello from ${hello.clientId}, incarnation ${hello.incarnation}`,
    ...registers.map(
      (item) =>
        `register ${textFromServiceKey(item.key)} ${item.instanceId} at ${stamp(item.version)} (#${item.sequence})`,
    ),
    ...unregisters.map(
      (item) =>
        `unregister ${textFromServiceKey(item.key)} ${item.instanceId} at ${stamp(item.version)} (#${item.sequence})`,
    ),
    ...subscribes.map(
      (item) => `subscribe ${textFromServiceKey(item.key)} ${textFromFilter(item.filter)}${heldInWords(item.held)}`,
    ),
    ...unsubscribes.map((item) => `unsubscribe ${textFromServiceKey(item.key)} ${textFromFilter(item.filter)}`),
    ...receipts.map(
      (item) =>
        `receipt ${textFromServiceKey(item.key)}${heldInWords(item.held)}${item.resync ? ", needs a snapshot" : ""}`,
    ),
  );
}

function serverMessageInWords(bytes: Uint8Array): string {
  const { hello, results, refusals, pushes } = serverMessageFromBytes(bytes);
  return lines(
    hello && `hello from ${hello.nodeId}`,
    ...results.map(({ sequence, outcome }) =>
      outcome.kind === "applied"
        ? `#${sequence} applied at ${formatVersion(outcome.version)}`
        : `#${sequence} refused: ${outcome.error.message}`,
    ),
    ...refusals.map(({ key, error }) => `subscription to ${textFromServiceKey(key)} refused: ${error.message}`),
    ...pushes.map((push) => `push ${updateInWords(push)}`),
  );
}

function linkRequestInWords(bytes: Uint8Array): string {
  const { hello, writes, reports, interests, uninterests, receipts, queries } = linkRequestFromBytes(bytes);
  return lines(
    hello && `hello from ${hello.nodeId}#${hello.incarnation}`,
    ...writes.map(
      (write) =>
        `${write.kind} ${textFromServiceKey(write.key)} ${write.instanceId} at ${stamp(write.version)}, leader epoch ${write.leaderEpoch} (#${write.sequence})`,
    ),
    reports.length > 0 && `reports ${reports.length} slots`,
    ...interests.map(({ key, held }) => `interest ${textFromServiceKey(key)}${heldInWords(held)}`),
    ...uninterests.map((key) => `no more interest ${textFromServiceKey(key)}`),
    ...receipts.map(
      (item) =>
        `receipt ${textFromServiceKey(item.key)}${heldInWords(item.held)}${item.resync ? ", needs a snapshot" : ""}`,
    ),
    ...queries.map(({ namespace }) => `which services in ${namespace}?`),
  );
}

function linkResponseInWords(bytes: Uint8Array): string {
  const { results, reported, notifications, answers } = linkResponseFromBytes(bytes);
  return lines(
    ...results.map(
      ({ sequence, outcome }) =>
        `#${sequence} ${outcome.kind}${outcome.kind === "applied" ? ` at ${formatVersion(outcome.version)}` : ""}`,
    ),
    reported.length > 0 && `confirms ${reported.length} slots`,
    ...notifications.map((update) => `notify ${updateInWords(update)}`),
    ...answers.map(({ services }) => `${services.length} services`),
  );
}

function joinRequestInWords(bytes: Uint8Array): string {
  const { hello, leaving } = joinRequestFromBytes(bytes);
  // Heartbeats are left out: a transcript is about what happens.
  return lines(hello && `hello from ${hello.nodeId}, ${hello.role} at ${hello.address}`, leaving && "leaving");
}

function joinResponseInWords(bytes: Uint8Array): string {
  const { incarnation, state } = joinResponseFromBytes(bytes);
  if (state === undefined) return "";
  const members = state.members.map(({ nodeId }) => nodeId).join(", ");
  return `you are incarnation ${incarnation}; state ${state.version}: members ${members}; slot table ${state.table.epoch}`;
}

function updateInWords({ key, filter, version, baseDigest, digest, instances, removedIds }: Update): string {
  const what =
    baseDigest === undefined ? `snapshot of ${instances.length}` : `delta from ${formatDigest(baseDigest).slice(0, 8)}`;
  const ids = [...instances.map(({ id }) => `+${id}`), ...removedIds.map((id) => `-${id}`)].join(" ");
  return `${textFromServiceKey(key)} ${textFromFilter(filter)} ${formatVersion(version)} ${what} to ${formatDigest(digest).slice(0, 8)} ${ids}`.trimEnd();
}

function heldInWords(held: Held | undefined): string {
  return held === undefined ? "" : `, holding ${formatVersion(held.version)} ${formatDigest(held.digest).slice(0, 8)}`;
}

function stamp({ incarnation, counter }: RegistrationVersion): string {
  return `${incarnation}/${counter}`;
}

function lines(...parts: readonly (string | false | undefined)[]): string {
  return parts.filter(Boolean).join("\n");
}
