/** Names that stand for several addresses. */

import type { LookupAddress } from "node:dns";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";

import { expect, onTestFinished, test, vi } from "vitest";
import { createRotatingLookup, type ResolveName } from "../src/stream/rotating-lookup.ts";
import { dialer } from "./serve.ts";

const v4 = (address: string): LookupAddress => ({ address, family: 4 });

/** What a lookup gives, one time after the other. */
function asked(resolve: ResolveName, times: number): string[] {
  const lookup = createRotatingLookup(resolve);
  return Array.from({ length: times }, () => {
    let said = "";
    lookup("metas", { all: true }, (error, addresses) => {
      said = error?.message ?? (addresses as LookupAddress[]).map(({ address }) => address).join(" ");
    });
    return said;
  });
}

test("each lookup begins with another address, in whichever order they are told", () => {
  const orders = [
    ["a", "b", "c"],
    ["c", "a", "b"],
    ["b", "c", "a"],
    ["a", "b", "c"],
  ];
  const resolve: ResolveName = (_name, _options, done) => done(null, orders.shift()!.map(v4));
  expect(asked(resolve, 4)).toEqual(["a b c", "b c a", "c a b", "a b c"]);
});

test("addresses that come and go are those of the next lookup", () => {
  const present = [["a"], ["a", "b"], ["b"], []];
  const resolve: ResolveName = (_name, _options, done) => done(null, present.shift()!.map(v4));
  expect(asked(resolve, 4)).toEqual(["a", "b a", "b", "metas has no address"]);
});

test("a name that cannot be looked up is an error of that dial alone", () => {
  const answers = [new Error("no such name"), null];
  const resolve: ResolveName = (_name, _options, done) => {
    const error = answers.shift()!;
    done(error, error === null ? [v4("a")] : []);
  };
  expect(asked(resolve, 2)).toEqual(["no such name", "a"]);
});

/** Takes connections, and counts them. */
async function listenAt(
  host: string,
  port: number,
): Promise<{ readonly port: number; count(): number; close(): void }> {
  let count = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    count++;
    sockets.add(socket.on("error", () => {}));
  });
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(close);
  server.listen(port, host);
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, count: () => count, close };
}

test("links to a name are dialed to its addresses in turn, and to the next when nobody is at one", async () => {
  const first = await listenAt("127.0.0.2", 0);
  const second = await listenAt("127.0.0.3", first.port);
  const resolve: ResolveName = (_name, _options, done) => done(null, ["127.0.0.2", "127.0.0.3"].map(v4));
  const dialing = dialer({ resolve });
  const dial = (): void =>
    dialing.dial(`metas.test:${first.port}`, "/any").listen({ message: () => {}, closed: () => {} });
  dial();
  await vi.waitUntil(() => first.count() === 1);
  dial();
  await vi.waitUntil(() => second.count() === 1);
  first.close();
  dial();
  await vi.waitUntil(() => second.count() === 2);
  expect(first.count()).toBe(1);
});
