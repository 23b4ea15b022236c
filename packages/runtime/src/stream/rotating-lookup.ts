/**
 * Looks names up anew for each connection, and begins each time with another of the addresses that a name has. The others
 * are tried as well when the first cannot be connected to; but one that takes connections and does not answer would be
 * dialed again and again if it always came first.
 */

import { lookup, type LookupAddress, type LookupOptions } from "node:dns";
import type { LookupFunction } from "node:net";

/** All addresses of a name at present, in any order. */
export type ResolveName = (
  name: string,
  options: LookupOptions,
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** Names of which the turn is remembered. There are more only where somebody makes them up. */
const NAMES_MAX = 1_000;

const systemResolve: ResolveName = (name, options, done) => lookup(name, { ...options, all: true }, done);

/** @param resolve default: as the system does, `/etc/hosts` included */
export function createRotatingLookup(resolve: ResolveName = systemResolve): LookupFunction {
  const turns = new Map<string, number>();
  return (name, options, done) => {
    resolve(name, options, (error, addresses) => {
      if (error !== null || addresses.length === 0) {
        done(error ?? new Error(`${name} has no address`), []);
        return;
      }
      const turn = turns.get(name) ?? 0;
      if (turns.size >= NAMES_MAX) turns.clear();
      turns.set(name, turn + 1);
      const present = addresses.toSorted((one, other) => (one.address < other.address ? -1 : 1));
      const from = turn % present.length;
      const rotated = [...present.slice(from), ...present.slice(0, from)];
      const { address, family } = rotated[0]!;
      if (options.all === true) done(null, rotated);
      else done(null, address, family);
    });
  };
}
