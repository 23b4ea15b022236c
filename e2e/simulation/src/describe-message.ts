/** Messages in words, for transcripts and for the trace of a failing seed. */

import {
  CONNECT_PATH,
  JOIN_PATH,
  LINK_PATH,
  REPLICATE_PATH,
  joinRequestFromBytes,
  joinResponseFromBytes,
} from "@rollcall/protocol";
import type { DescribeMessage } from "@rollcall/testing";

import { clientMessageInWords, serverMessageInWords } from "./words/client-words.ts";
import { linkRequestInWords, linkResponseInWords } from "./words/link-words.ts";
import { replicateRequestInWords, replicateResponseInWords } from "./words/replicate-words.ts";
import { lines, slotsInWords } from "./words/value-words.ts";

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
    case `request ${REPLICATE_PATH}`:
      return replicateRequestInWords(message);
    case `response ${REPLICATE_PATH}`:
      return replicateResponseInWords(message);
    case `request ${JOIN_PATH}`:
      return joinRequestInWords(message);
    case `response ${JOIN_PATH}`:
      return joinResponseInWords(message);
    default:
      return `${message.length} bytes`;
  }
};

function joinRequestInWords(bytes: Uint8Array): string {
  const { hello, leaving, synced } = joinRequestFromBytes(bytes);
  // Heartbeats that say nothing else are left out: a transcript is about what happens.
  return lines(
    hello && `hello from ${hello.nodeId}, ${hello.role} at ${hello.address}`,
    hello && synced.size > 0 && `has ${slotsInWords(synced)} in full`,
    leaving && "leaving",
  );
}

function joinResponseInWords(bytes: Uint8Array): string {
  const { incarnation, state } = joinResponseFromBytes(bytes);
  if (state === undefined) return "";
  const members = state.members.map(({ nodeId }) => nodeId).join(", ");
  const departed = state.departed.map(({ nodeId, incarnation }) => `${nodeId}#${incarnation}`).join(", ");
  return [
    `you are incarnation ${incarnation}; state ${state.version}: members ${members}`,
    departed !== "" && `departed ${departed}`,
    `slot table ${state.table.epoch}`,
  ]
    .filter(Boolean)
    .join("; ");
}
