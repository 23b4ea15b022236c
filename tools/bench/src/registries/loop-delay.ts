/** The worst p99 delay of the event loops of nodes since this was asked last, in milliseconds. */
export async function loopDelayMs(addresses: readonly string[]): Promise<number> {
  const delays = addresses.map(async (address) => {
    const text = await (await fetch(`http://${address}/metrics`)).text();
    return Number(/^rollcall_event_loop_delay_p99_seconds (\S+)/m.exec(text)?.[1]) * 1_000;
  });
  return Math.max(...(await Promise.all(delays)));
}
