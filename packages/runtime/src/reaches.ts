/** Whether somebody takes connections at an address: nothing is said over the one that is made. */

import { connect } from "node:net";

import { createRotatingLookup } from "./stream/rotating-lookup.ts";

/** How long the other side may take, in milliseconds. */
const ANSWER_WITHIN_MS = 2_000;

const lookup = createRotatingLookup();

/** @param address `host:port` */
export function reaches(address: string): Promise<boolean> {
  const { hostname, port } = new URL(`http://${address}`);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 80), lookup });
    const end = (isReached: boolean): void => {
      socket.destroy();
      resolve(isReached);
    };
    socket.setTimeout(ANSWER_WITHIN_MS, () => end(false));
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}
