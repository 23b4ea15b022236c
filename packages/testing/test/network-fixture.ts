import { frameFromMessage, type Frame, type MessageStream } from "@rollcall/core";
import { SeededRandom, SimClock, SimNetwork, type SimNetworkOptions } from "../src/index.ts";

export const METHOD = "/rollcall.v1.Test/Link";

const utf8 = new TextEncoder();
const text = new TextDecoder();

export function frame(message: string): Frame {
  return frameFromMessage(utf8.encode(message));
}

/** One end of a link and everything it heard, each with its virtual time. */
export interface Heard {
  readonly stream: MessageStream;
  readonly heard: string[];
}

export function listening(stream: MessageStream, clock: SimClock): Heard {
  const heard: string[] = [];
  stream.listen({
    message: (bytes) => heard.push(`${clock.now()} ${text.decode(bytes)}`),
    drained: () => heard.push(`${clock.now()} drained`),
    closed: (error) => heard.push(`${clock.now()} closed${error ? ` ${error.reason}: ${error.message}` : ""}`),
  });
  return { stream, heard };
}

/** A server at `server` that keeps what it accepts, and a way to dial it from `client`. */
export function network(options: Partial<SimNetworkOptions> & { seed?: number } = {}) {
  const clock = new SimClock();
  const sim = new SimNetwork({ clock, random: new SeededRandom(options.seed ?? 1), ...options });
  const accepted: Heard[] = [];
  const routes = new Map([[METHOD, (stream: MessageStream) => void accepted.push(listening(stream, clock))]]);
  sim.host("server", routes);
  const dial = (from = "client", to = "server") => listening(sim.dialer(from).dial(to, METHOD), clock);
  return { clock, sim, routes, accepted, dial };
}

/** Without its time. */
export function words(heard: readonly string[]): string[] {
  return heard.map((line) => line.slice(line.indexOf(" ") + 1));
}
