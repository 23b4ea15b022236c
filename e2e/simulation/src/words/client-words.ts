/** What clients and sessions say to each other. */

import { formatVersion, textFromFilter, textFromPattern, textFromServiceKey } from "@rollcall/core";
import { clientMessageFromBytes, serverMessageFromBytes } from "@rollcall/protocol";

import { barrierAnswerInWords, barrierInWords } from "./barrier-words.ts";
import { heldInWords, lines, servicesInWords, stamp, updateInWords } from "./value-words.ts";

export function clientMessageInWords(bytes: Uint8Array): string {
  const message = clientMessageFromBytes(bytes);
  const { hello, registers, unregisters, subscribes, unsubscribes, receipts, summary, barriers } = message;
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
    ...message.servicesSubscribes.map(({ pattern }) => `subscribe services ${textFromPattern(pattern)}*`),
    ...message.servicesUnsubscribes.map((pattern) => `unsubscribe services ${textFromPattern(pattern)}*`),
    ...message.servicesReceipts.map(
      ({ pattern, held, resync }) =>
        `receipt services ${textFromPattern(pattern)}*${heldInWords(held)}${resync ? ", needs a snapshot" : ""}`,
    ),
    summary && "summary",
    ...barriers.map(barrierInWords),
  );
}

export function serverMessageInWords(bytes: Uint8Array): string {
  const { hello, results, refusals, pushes, servicesPushes, servicesRefusals, summary, barriers, move } =
    serverMessageFromBytes(bytes);
  return lines(
    hello && `hello from ${hello.nodeId}`,
    ...results.map(({ sequence, outcome }) =>
      outcome.kind === "applied"
        ? `#${sequence} applied at ${formatVersion(outcome.version)}`
        : `#${sequence} refused: ${outcome.error.message}`,
    ),
    ...refusals.map(({ key, error }) => `subscription to ${textFromServiceKey(key)} refused: ${error.message}`),
    ...pushes.map((push) => `push ${updateInWords(push)}`),
    ...servicesPushes.map((push) => `push services ${textFromPattern(push.pattern)}* ${servicesInWords(push)}`),
    ...servicesRefusals.map(({ pattern, error }) => `services ${textFromPattern(pattern)}* refused: ${error.message}`),
    summary && "summary",
    ...barriers.map(barrierAnswerInWords),
    move && `move to ${move.to.join(" or ")} within ${move.withinMs} ms`,
  );
}
