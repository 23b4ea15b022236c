import { once } from "node:events";
import { connect } from "node:http2";
import * as net from "node:net";
import { expect, onTestFinished, test } from "vitest";

import { listen, type PageHandler } from "@rollcall/runtime";
import { frameOfText, listenTo, TALK_PATH, WATCH_PATH } from "./echo-service.ts";
import { dialer, serveEcho } from "./serve.ts";

const jsonCall = { method: "POST", headers: { "content-type": "application/json" }, body: '"x"' };

test("it tells the address it really has", async () => {
  const { address } = await serveEcho();
  expect(address).toMatch(/^127\.0\.0\.1:[1-9]\d*$/);
});

test("a port that is taken is refused by name", async () => {
  const { address } = await serveEcho();
  const port = Number(address.split(":")[1]);
  await expect(listen({ host: "127.0.0.1", port })).rejects.toMatchObject({
    reason: "unavailable",
    message: expect.stringContaining(`cannot listen on ${address}`) as string,
  });
});

test("it is alive at once, and ready when it says so", async () => {
  let reasons = ["no meta node has answered"];
  const { address } = await serveEcho({ readiness: () => ({ ready: reasons.length === 0, reasons }) });
  expect((await fetch(`http://${address}/healthz`)).status).toBe(200);
  const notReady = await fetch(`http://${address}/readyz`);
  expect(notReady.status).toBe(503);
  expect(await notReady.json()).toEqual({ ready: false, reasons });
  reasons = [];
  const ready = await fetch(`http://${address}/readyz`);
  expect(ready.status).toBe(200);
  expect(await ready.json()).toEqual({ ready: true, reasons: [] });
});

test("pages are given path, query and headers, and may fail alone", async () => {
  const { address } = await serveEcho({
    metrics: () => "up 1\n",
    http: new Map<string, PageHandler>([
      [
        "/page",
        ({ path, query }) => ({
          contentType: "text/html",
          body: `${path} ${query.get("a")}`,
          headers: { "x-own": "1" },
        }),
      ],
      [
        "/broken",
        () => {
          throw new Error("secret");
        },
      ],
    ]),
  });
  const page = await fetch(`http://${address}/page?a=b`);
  expect(await page.text()).toBe("/page b");
  expect(page.headers.get("x-own")).toBe("1");
  expect(await (await fetch(`http://${address}/metrics`)).text()).toBe("up 1\n");
  const broken = await fetch(`http://${address}/broken`);
  expect([broken.status, await broken.text()]).toEqual([500, "internal error\n"]);
  expect((await fetch(`http://${address}/page`, { method: "POST" })).status).toBe(404);
  expect((await fetch(`http://${address}/nothing`)).status).toBe(404);
});

test("pages are also served over HTTP/2", async () => {
  const { address } = await serveEcho();
  const session = connect(`http://${address}`);
  onTestFinished(() => session.destroy());
  const [headers] = (await once(session.request({ ":path": "/healthz" }), "response")) as [{ ":status": number }];
  expect(headers[":status"]).toBe(200);
});

test("scripts of other origins may not call unless they are listed", async () => {
  const { address } = await serveEcho({ corsOrigins: ["https://console.example.com"] });
  const url = `http://${address}/rollcall.test.Echo/Say`;
  const ask = (origin: string) =>
    fetch(url, { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST" } });
  const allowed = await ask("https://console.example.com");
  expect(allowed.status).toBe(204);
  expect(allowed.headers.get("access-control-allow-origin")).toBe("https://console.example.com");
  expect(allowed.headers.get("access-control-allow-methods")).toContain("POST");
  expect(allowed.headers.get("access-control-allow-headers")?.toLowerCase()).toContain("connect-protocol-version");
  expect((await ask("https://evil.example.com")).headers.get("access-control-allow-origin")).toBeNull();
  const call = await fetch(url, {
    ...jsonCall,
    headers: { ...jsonCall.headers, origin: "https://console.example.com" },
  });
  expect(await call.json()).toBe("x");
  expect(call.headers.get("access-control-allow-origin")).toBe("https://console.example.com");
});

test.each(["application/connect+proto", "application/grpc-web+proto", "application/connect+json"])(
  "streams in %s that a script opens have the headers as well, over either version of HTTP",
  async (contentType) => {
    const origin = "https://console.example.com";
    const { address } = await serveEcho({ corsOrigins: [origin] });
    const body = contentType.endsWith("json") ? Buffer.from('\0\0\0\0\u0003"x"') : frameOfText("x");
    const { headers } = await fetch(`http://${address}${WATCH_PATH}`, {
      method: "POST",
      headers: { "content-type": contentType, origin },
      body: new Uint8Array(body),
    });
    expect([headers.get("content-type"), headers.get("access-control-allow-origin")]).toEqual([contentType, origin]);
    const session = connect(`http://${address}`);
    onTestFinished(() => session.destroy());
    const request = session.request({ ":method": "POST", ":path": WATCH_PATH, "content-type": contentType, origin });
    request.end(body);
    const [answered] = (await once(request, "response")) as [Record<string, string>];
    expect([answered["content-type"], answered["access-control-allow-origin"]]).toEqual([contentType, origin]);
  },
);

test("caches are told that an answer is for one origin, whoever asks", async () => {
  const { address } = await serveEcho({ corsOrigins: ["https://console.example.com"] });
  expect((await fetch(`http://${address}/healthz`)).headers.get("vary")).toBe("origin");
  const open = await serveEcho({ corsOrigins: ["*"] });
  const { headers } = await fetch(`http://${open.address}/healthz`, { headers: { origin: "https://any.example.com" } });
  expect([headers.get("vary"), headers.get("access-control-allow-origin")]).toEqual([null, "*"]);
});

test("connections beyond the limit are refused and the others stay", async () => {
  const listener = await serveEcho({ limits: { connectionsMax: 2 } });
  const first = listenTo(dialer().dial(listener.address, TALK_PATH));
  const second = listenTo(dialer().dial(listener.address, TALK_PATH));
  await first.until(({ messages }) => messages.length > 0);
  await second.until(({ messages }) => messages.length > 0);
  expect(await listenTo(dialer().dial(listener.address, TALK_PATH)).ended()).toMatchObject({ reason: "unavailable" });
  expect(listener.connections).toBe(2);
  expect(first.end).toBeUndefined();
});

test("it counts open connections and streams", async () => {
  const listener = await serveEcho();
  expect([listener.connections, listener.openStreams]).toEqual([0, 0]);
  const stream = dialer().dial(listener.address, TALK_PATH);
  const ear = await listenTo(stream).until(({ messages }) => messages.length > 0);
  expect([listener.connections, listener.openStreams]).toEqual([1, 1]);
  stream.close();
  await ear.ended();
  await expect.poll(() => [listener.connections, listener.openStreams]).toEqual([0, 0]);
});

test("closing ends streams with a reason and idle connections at once, long before the grace time", async () => {
  const listener = await serveEcho();
  const ear = await listenTo(dialer().dial(listener.address, TALK_PATH)).until(({ messages }) => messages.length > 0);
  await fetch(`http://${listener.address}/rollcall.test.Echo/Say`, jsonCall).then((response) => response.text());
  const untouched = net.connect(Number(listener.address.split(":")[1]), "127.0.0.1");
  await once(untouched, "connect");
  const started = performance.now();
  await listener.close(10_000);
  expect(performance.now() - started).toBeLessThan(2_000);
  expect(await ear.ended()).toMatchObject({ reason: "shutting_down" });
  await expect.poll(() => listener.connections).toBe(0);
  expect(await listenTo(dialer().dial(listener.address, TALK_PATH)).ended()).toMatchObject({ reason: "unavailable" });
});

test("calls under way may finish while it closes", async () => {
  let answer = (): void => {};
  const asked = Promise.withResolvers<void>();
  const listener = await serveEcho({
    http: new Map([
      [
        "/slow",
        () => {
          asked.resolve();
          return new Promise((resolve) => (answer = () => resolve({ contentType: "text/plain", body: "done" })));
        },
      ],
    ]),
  });
  const call = fetch(`http://${listener.address}/slow`);
  await asked.promise;
  const closed = listener.close(10_000);
  const answered = performance.now();
  answer();
  expect(await (await call).text()).toBe("done");
  await closed;
  expect(performance.now() - answered, "the connection is not kept for another call").toBeLessThan(1_000);
});

test("what is left after the grace time is cut", async () => {
  const asked = Promise.withResolvers<void>();
  const listener = await serveEcho({
    http: new Map([
      [
        "/never",
        () => {
          asked.resolve();
          return new Promise<never>(() => {});
        },
      ],
    ]),
  });
  const failure = fetch(`http://${listener.address}/never`).catch((error: unknown) => error);
  await asked.promise;
  const started = performance.now();
  await Promise.all([listener.close(100), listener.close(100)]);
  expect(performance.now() - started).toBeGreaterThanOrEqual(95);
  expect(await failure).toMatchObject({ message: "fetch failed" });
});

test("a client that does not read the end of its stream does not hold up closing", async () => {
  const listener = await serveEcho({
    streams: new Map([
      [
        TALK_PATH,
        (stream) => {
          stream.listen({ message: () => {}, closed: () => {} });
          for (let count = 0; count < 500; count++) stream.send(frameOfText("x".repeat(1_000)));
        },
      ],
    ]),
  });
  const session = connect(`http://${listener.address}`);
  onTestFinished(() => session.destroy());
  session.on("error", () => {});
  const request = session.request({
    ":method": "POST",
    ":path": TALK_PATH,
    "content-type": "application/connect+proto",
  });
  request.on("error", () => {});
  request.pause();
  await once(request, "response");
  const started = performance.now();
  await listener.close(100);
  expect(performance.now() - started).toBeLessThan(1_000);
});
