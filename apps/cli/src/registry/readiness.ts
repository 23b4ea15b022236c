/** Whether a node does its work, as its `/readyz` says. */

export interface Readiness {
  readonly ready: boolean;
  /** What it waits for, or why it could not be asked; empty when it is ready. */
  readonly reasons: readonly string[];
  /** What is to be known of it though it does its work. */
  readonly notices: readonly string[];
}

export async function readinessOf(address: string, timeoutMs: number): Promise<Readiness> {
  try {
    const response = await fetch(`http://${address}/readyz`, { signal: AbortSignal.timeout(timeoutMs) });
    const answer: unknown = await response.json();
    if (isReadiness(answer)) return { ready: answer.ready, reasons: answer.reasons, notices: answer.notices ?? [] };
    return { ready: false, reasons: [`/readyz answered HTTP ${response.status} and no readiness`], notices: [] };
  } catch (thrown) {
    return { ready: false, reasons: [`cannot be asked: ${why(thrown)}`], notices: [] };
  }
}

function isReadiness(value: unknown): value is Omit<Readiness, "notices"> & Partial<Readiness> {
  return typeof value === "object" && value !== null && "ready" in value && "reasons" in value;
}

/** `fetch failed` says nothing; its cause does. */
function why(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause instanceof Error ? thrown.cause.message : thrown.message;
}
