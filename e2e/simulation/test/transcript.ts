import { serviceKey, slotOfServiceKey, textFromServiceKey } from "@rollcall/core";
import { renderTranscript, type TraceEntry } from "@rollcall/testing";

import type { SimCluster } from "../src/cluster/sim-cluster.ts";
import { describeMessage } from "../src/describe-message.ts";

/** What was said since the trace was cleared that is about one service, its slot, or nothing in particular. */
export function transcriptAbout(cluster: SimCluster, service: string): string {
  const key = serviceKey({ service });
  const slot = slotOfServiceKey(key);
  const text = textFromServiceKey(key);
  const isAbout = (line: string): boolean => {
    // Of slots in a lump nothing is said but how many they are.
    if (/\b\d+ slots\b/.test(line)) return false;
    if (/\S+\/\S+\/\S+/.test(line)) return line.includes(text);
    const named = /\bslots? (\d+(?:, \d+)*)/.exec(line)?.[1]?.split(", ").map(Number) ?? [];
    return named.length === 0 || named.includes(slot);
  };
  const describe: typeof describeMessage = (method, direction, message) =>
    describeMessage(method, direction, message).split("\n").filter(isAbout).join("\n");
  return `${renderTranscript(cluster.network.trace().filter(isTold), describe)}\n`;
}

/** Messages that somebody heard, and ends that somebody noticed; not the calls at a door where nobody is. */
function isTold(entry: TraceEntry): boolean {
  if (entry.kind === "frame") return entry.fate !== "vanished";
  return entry.event === "closed" && entry.error?.message === "the other process ended";
}
