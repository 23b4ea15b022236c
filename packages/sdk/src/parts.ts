/**
 * Parts of the client, by themselves: for the tests of the simulator that break one of them on purpose, to see that
 * somebody notices. It leads to the sources and not to what is published, and nobody else may import it.
 */

export { Feed } from "./feed.ts";
