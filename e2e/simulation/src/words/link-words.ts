/** What sessions and leaders of slots say to each other. */

import {
  EMPTY_DIGEST,
  formatVersion,
  sameDigest,
  textFromServiceKey,
  type ServiceHoldings,
  type SlotReport,
  type WriteResult,
} from "@rollcall/core";
import { linkRequestFromBytes, linkResponseFromBytes } from "@rollcall/protocol";

import { barrierAnswerInWords, barrierInWords, toldAnswerInWords, toldQuestionInWords } from "./barrier-words.ts";
import {
  eachOrCount,
  heldInWords,
  inventoryInWords,
  keysInWords,
  lines,
  rangeInWords,
  rollUpInWords,
  servicesInWords,
  shortDigest,
  slotInWords,
  slotsInWords,
  stamp,
  updateInWords,
} from "./value-words.ts";

export function linkRequestInWords(bytes: Uint8Array): string {
  const request = linkRequestFromBytes(bytes);
  const { hello, writes, reports, interests, uninterests, receipts, queries } = request;
  const { inventories, holdings, registrations, copies, barriers, told } = request;
  return lines(
    hello && `hello from ${hello.nodeId}#${hello.incarnation}`,
    ...writes.map(
      (write) =>
        `${write.kind} ${textFromServiceKey(write.key)} ${write.instanceId} at ${stamp(write.version)}, leader epoch ${write.leaderEpoch}${write.leaseMs > 0 ? `, lease ${write.leaseMs} ms` : ""} (#${write.sequence})`,
    ),
    eachOrCount(reports, holdsNothing, reportInWords, (slots) => `reports ${slots}: nothing held`),
    ...inventories.map(inventoryInWords),
    ...holdings.map(holdingsInWords),
    ...interests.map(({ key, held }) => `interest ${textFromServiceKey(key)}${heldInWords(held)}`),
    ...uninterests.map((key) => `no more interest ${textFromServiceKey(key)}`),
    ...receipts.map(
      (item) =>
        `receipt ${textFromServiceKey(item.key)}${heldInWords(item.held)}${item.resync ? ", needs a snapshot" : ""}`,
    ),
    ...queries.map(({ namespace }) => `which services in ${namespace}?`),
    ...request.servicesInterests.map(
      ({ namespace, held }) => `interest in services of ${namespace}${heldInWords(held)}`,
    ),
    ...request.servicesUninterests.map((namespace) => `no more interest in services of ${namespace}`),
    ...request.servicesReceipts.map(
      ({ namespace, held, resync }) =>
        `receipt services of ${namespace}${heldInWords(held)}${resync ? ", needs a snapshot" : ""}`,
    ),
    registrations && rollUpInWords("registrations", registrations),
    eachOrCount(
      copies,
      () => true,
      (copy) => `copies of ${slotInWords(copy)} come to ${shortDigest(copy.digest)}`,
      (slots) => `digests of the copies of ${slots}`,
    ),
    ...barriers.map(barrierInWords),
    ...told.map(toldAnswerInWords),
  );
}

export function linkResponseInWords(bytes: Uint8Array): string {
  const response = linkResponseFromBytes(bytes);
  const { results, reported, notifications, answers, disagreed, differences, reportAll, copies, askAgain } = response;
  const { toldQuestions, barriers } = response;
  return lines(
    ...results.map(resultInWords),
    eachOrCount(
      reported,
      holdsNothing,
      (report) => `agrees on ${slotInWords(report)}, ${shortDigest(report.digest)}`,
      (slots) => `agrees that nothing is held of ${slots}`,
    ),
    eachOrCount(
      disagreed,
      () => false,
      (slot) => `disagrees on ${slotInWords(slot)}: send the inventory`,
      (slots) => `disagrees on ${slots}: send the inventories`,
    ),
    ...differences.map((difference) =>
      difference.keys.length === 0
        ? `no difference in ${slotInWords(difference)}`
        : `differs in ${slotInWords(difference)}: ${keysInWords(difference)}`,
    ),
    reportAll && "does not agree on the registrations: report every slot",
    ...notifications.map((update) => `notify ${updateInWords(update)}`),
    ...answers.map(({ services }) => `${services.length} services`),
    ...response.servicesNotifications.map((item) => `notify services of ${item.namespace} ${servicesInWords(item)}`),
    ...response.servicesDigests.map(
      ({ namespace, digest }) => `services of ${namespace} come to ${shortDigest(digest)}`,
    ),
    copies && rollUpInWords("copies", copies),
    askAgain.length > 0 && `ask again for what you follow of ${slotsInWords(askAgain)}`,
    ...toldQuestions.map(toldQuestionInWords),
    ...barriers.map(barrierAnswerInWords),
  );
}

function reportInWords(report: SlotReport): string {
  return `reports ${slotInWords(report)}: holds ${shortDigest(report.digest)}, has seen ${formatVersion(report.seen)}`;
}

function holdsNothing({ digest }: SlotReport): boolean {
  return sameDigest(digest, EMPTY_DIGEST);
}

function holdingsInWords({ key, held, afterWrite, after, upTo }: ServiceHoldings): string {
  const ids = held.map(({ instanceId, clientId }) => `${instanceId} of ${clientId}`).join(", ");
  return `holds of ${textFromServiceKey(key)}${rangeInWords({ after, upTo })} after #${afterWrite}: ${ids || "nothing"}`;
}

function resultInWords({ sequence, outcome }: WriteResult): string {
  switch (outcome.kind) {
    case "applied":
      return `#${sequence} applied at ${formatVersion(outcome.version)}`;
    case "denied":
      return `#${sequence} denied: ${outcome.error.message}`;
    case "superseded":
      return `#${sequence} superseded by ${stamp(outcome.by)}`;
    case "unknown":
      return `#${sequence} unknown`;
    default:
      return `#${sequence} ${outcome.kind}: slot table ${outcome.tableEpoch}, leader epoch ${outcome.leaderEpoch}`;
  }
}
