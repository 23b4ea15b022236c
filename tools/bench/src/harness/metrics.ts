/** Figures that nodes of Rollcall tell themselves, at `host:port`. */

/** The value of a metric without labels; NaN when the node does not have it. */
export async function metricOf(address: string, name: string): Promise<number> {
  const text = await (await fetch(`http://${address}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)`, "m").exec(text)?.[1] ?? Number.NaN);
}

/** How late the event loop of a node ran at p99, in milliseconds, since this was asked last. */
export async function loopDelayMs(address: string): Promise<number> {
  return (await metricOf(address, "rollcall_event_loop_delay_p99_seconds")) * 1_000;
}
