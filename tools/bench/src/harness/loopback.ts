/** What went over the loopback interface, as the kernel counts it: everybody's, so it says something on a quiet machine only. */

import { readFileSync } from "node:fs";

export interface LoopbackCount {
  readonly packets: number;
  readonly bytes: number;
}

export function loopbackCount(): LoopbackCount {
  const line = /^\s*lo:\s*(.*)$/m.exec(readFileSync("/proc/net/dev", "utf8"))?.[1];
  if (line === undefined) throw new Error("there is no loopback interface");
  const [bytes, packets] = line.split(/\s+/).map(Number) as [number, number];
  return { packets, bytes };
}
